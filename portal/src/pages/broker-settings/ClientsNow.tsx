import { Skeleton, Stack, Text } from '@mantine/core'
import type { TokenClient, UsedToken } from '../../api/schema'
import { TextLink } from '../../components/links'
import { clientsNow } from './clients'

const SHOWN = 3

interface Props {
  workspaceId: string
  usage: UsedToken | undefined
  at: string | undefined
  windowMinutes: number | undefined
}

/** Who uses a token at this time: in the window that counts for a rotation, or connected. */
export function ClientsNow({ workspaceId, usage, at, windowMinutes }: Props) {
  if (usage === undefined || at === undefined || windowMinutes === undefined)
    return <Skeleton height={18} width={160} />
  const clients = clientsNow(usage, at, windowMinutes)
  if (clients.length === 0) return <Text fz="sm">Nobody in the last {minutes(windowMinutes)}</Text>
  return (
    <Stack gap={4}>
      {clients.slice(0, SHOWN).map((client) => (
        <Client key={`${client.via} ${client.address} ${client.agent}`} client={client} />
      ))}
      <TextLink to="/workspaces/$workspaceId/usage" params={{ workspaceId }} fz="sm">
        {clients.length > SHOWN
          ? `${clients.length - SHOWN} more, and since when`
          : 'Since when, and how much'}
      </TextLink>
    </Stack>
  )
}

function Client({ client }: { client: TokenClient }) {
  const open = client.openConnections
  return (
    <div>
      <Text fz="sm" style={{ overflowWrap: 'anywhere' }}>
        {client.name}
      </Text>
      <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {[
          client.address,
          client.via === 'api' ? 'API' : 'broker',
          open > 0 && `${open} open ${open === 1 ? 'connection' : 'connections'}`,
          client.groups.length > 0 && `group ${client.groups.join(', ')}`,
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
    </div>
  )
}

function minutes(count: number): string {
  return count === 1 ? 'minute' : `${count} minutes`
}
