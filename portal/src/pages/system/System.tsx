import { Skeleton, Stack } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useProfile } from '../../api/profile'
import { isAtLeast } from '../../api/role'
import { useSystem } from '../../api/system'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { Broker } from './Broker'
import { Health } from './Health'
import { Installation } from './Installation'
import { MasterKey } from './MasterKey'
import { Operator } from './Operator'
import { Replicas } from './Replicas'

/** The installation, for Admins of the organisation: what runs, how it is, and what can be mended from here. */
export function System() {
  const { role } = useProfile()
  const isAllowed = isAtLeast(role, 'Admin')
  const system = useSystem(isAllowed)
  return (
    <Page
      title="System"
      description={isAllowed ? 'What runs here, how it is, and what an operator should look at.' : undefined}
    >
      {!isAllowed ? (
        <Empty icon={<IconLock />} title="This page is for Admins of the organisation">
          Your role in the organisation is {role}. Another Admin of the organisation can give you the role, on
          the page People.
        </Empty>
      ) : system.isError && !system.data ? (
        <Failed
          what="The state of the system could not be loaded"
          error={system.error}
          retry={() => void system.refetch()}
        />
      ) : system.data ? (
        <Stack gap={32}>
          {system.isError && (
            <Failed
              what="What is shown may be old"
              error={system.error}
              retry={() => void system.refetch()}
            />
          )}
          <Health checks={system.data.health} at={system.data.at} />
          <Installation system={system.data} />
          <Broker broker={system.data.broker} />
          <Replicas replicas={system.data.replicas} />
          <MasterKey keys={system.data.masterKey} />
          <Operator publicUrl={system.data.publicUrl} mail={system.data.mail} />
        </Stack>
      ) : (
        <Stack aria-hidden>
          <Skeleton height={200} />
          <Skeleton height={160} />
        </Stack>
      )}
    </Page>
  )
}
