import { Alert, List, Text } from '@mantine/core'
import { IconCircleCheck, IconHourglass } from '@tabler/icons-react'
import { useCuttingOff } from '../../api/rotation'
import type { Rotated } from '../../api/schema'

/** Where a broker has not shown yet that it does not serve the old token: which, why, and when it has. */
export function CutOff({ workspaceId, rotated }: { workspaceId: string; rotated: Rotated }) {
  const wasPending = rotated.cutOff.state === 'pending'
  const cuttingOff = useCuttingOff(workspaceId, wasPending).data
  if (!wasPending) return null
  const ids = new Set(rotated.allDeactivated.map((token) => token.id))
  const open =
    cuttingOff?.filter((token) => ids.has(token.id)).flatMap((token) => token.open) ?? rotated.cutOff.open
  const isProved = cuttingOff !== undefined && !cuttingOff.some((token) => ids.has(token.id))
  if (isProved)
    return (
      <Alert color="teal" icon={<IconCircleCheck aria-hidden />} role="status">
        Proved meanwhile: no broker serves the old token any more.
      </Alert>
    )
  return (
    <Alert
      color="yellow"
      icon={<IconHourglass aria-hidden />}
      title="Not proved yet on the broker"
      role="status"
    >
      <Text fz="sm">
        Twinkey goes on until every broker has shown that it does not serve the old token. You need not wait
        here.
      </Text>
      <List fz="sm" mt="xs" spacing={2}>
        {open.map(({ id, address, reason }) => (
          <List.Item key={`${id} ${address}`}>
            {id !== null && id !== undefined && `Broker ${id} `}
            {address && `at ${address}: `}
            {reason}
          </List.Item>
        ))}
      </List>
    </Alert>
  )
}
