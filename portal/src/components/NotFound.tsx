import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { Empty } from './Empty'
import { Page } from './Page'

/** No page has this address. */
export function NotFound() {
  return (
    <Page title="Page not found">
      <Empty
        icon={<IconMapOff />}
        title="There is no page at this address"
        action={
          <Button component={Link} to="/workspaces" mt="xs">
            Go to the workspaces
          </Button>
        }
      >
        Perhaps the link is from an older version, or something was left out when it was copied.
      </Empty>
    </Page>
  )
}
