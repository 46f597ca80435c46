import { IconMapOff } from '@tabler/icons-react'
import { Empty } from './Empty'
import { ButtonLink } from './links'
import { Page } from './Page'

/** No page has this address. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <Empty
        icon={<IconMapOff />}
        title="There is no page at this address"
        action={
          <ButtonLink to="/workspaces" mt="xs">
            Go to the workspaces
          </ButtonLink>
        }
      >
        Perhaps the link is from an older version, or something was left out when it was copied.
      </Empty>
    </Page>
  )
}
