import { Code, Group, Text } from '@mantine/core'
import { IconPlugConnected } from '@tabler/icons-react'
import type { TokenClient, UsedToken } from '../../api/schema'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { ButtonLink } from '../../components/links'
import { Time } from '../../components/Time'
import { identity } from '../rotation/checklist'
import { bytes, count, opened } from './numbers'

const COLUMNS: Column<TokenClient>[] = [
  {
    id: 'client',
    header: 'Client',
    sortBy: ({ name }) => name,
    cell: (client) => (
      <>
        <Text fz="sm" fw={500} miw={110} style={{ overflowWrap: 'anywhere' }}>
          {client.name}
        </Text>
        {client.software !== '' && client.software !== client.name && (
          <Text fz="xs" c="dimmed">
            {client.software}
          </Text>
        )}
        {client.groups.length > 0 && (
          <Text fz="xs" c="dimmed">
            {client.groups.length === 1 ? 'Group' : 'Groups'} {client.groups.join(', ')}
          </Text>
        )}
      </>
    ),
  },
  {
    id: 'via',
    header: 'Via',
    wide: true,
    sortBy: ({ via }) => via,
    cell: ({ via }) => (via === 'api' ? 'API' : 'Broker'),
  },
  {
    id: 'address',
    header: 'Address',
    wide: true,
    sortBy: ({ address }) => address,
    cell: ({ address }) => address,
  },
  {
    id: 'first',
    header: 'First seen',
    wide: true,
    sortBy: ({ firstSeenAt }) => firstSeenAt,
    cell: ({ firstSeenAt }) => <Time at={firstSeenAt} />,
  },
  {
    id: 'used',
    header: 'Last used',
    sortBy: ({ lastUsedAt }) => lastUsedAt,
    cell: ({ lastUsedAt }) => <Time at={lastUsedAt} />,
  },
  {
    id: 'open',
    header: 'Open',
    align: 'right',
    sortBy: ({ openConnections }) => openConnections,
    cell: ({ openConnections }) => count(openConnections),
  },
  {
    id: 'requests',
    header: 'Requests',
    align: 'right',
    wide: true,
    sortBy: ({ requests }) => requests,
    cell: ({ requests }) => count(requests),
  },
  {
    id: 'bytes',
    header: 'Data',
    align: 'right',
    wide: true,
    sortBy: (client) => client.bytes,
    cell: (client) => bytes(client.bytes),
  },
]

/** Nobody can tell connections there. */
const ON_KAFKA = COLUMNS.map((column) => (column.id === 'open' ? { ...column, header: 'Members' } : column))

/** A valid token: its sums, and who used it. */
export function TokenClients({ token, workspaceId }: { token: UsedToken; workspaceId: string }) {
  const { others } = token
  const open = token.openConnections == null ? 'group member' : 'connection'
  return (
    <>
      <Group mb="sm" style={{ columnGap: 20, rowGap: 2 }} fz="sm" c="dimmed">
        <span>
          <Code>{token.masked}</Code>
        </span>
        <span>
          Last used <Time at={token.lastUsedAt} />
        </span>
        <span>
          Credentials given out <Time at={token.credentialsFetchedAt} />
        </span>
        {typeof token.openConnections === 'number' && <span>{opened(token.openConnections)}</span>}
        <span>{count(token.requests)} requests</span>
        <span>{bytes(token.bytes)}</span>
      </Group>
      <DataTable
        label={`Clients of ${token.label}`}
        columns={open === 'connection' ? COLUMNS : ON_KAFKA}
        rows={token.clients}
        rowKey={identity}
        initialSort={{ column: 'used', descending: true }}
        empty={<Nobody label={token.label} workspaceId={workspaceId} />}
      />
      {others && (
        <Text fz="sm" c="dimmed" mt="xs">
          Not told apart any more, because more than 200 clients came: others with {count(others.requests)}{' '}
          requests and {bytes(others.bytes)} in all, last used <Time at={others.lastUsedAt} />
          {others.openConnections > 0 && `, ${opened(others.openConnections, open)}`}. Their use still counts.
        </Text>
      )}
    </>
  )
}

function Nobody({ label, workspaceId }: { label: string; workspaceId: string }) {
  return (
    <Empty
      icon={<IconPlugConnected />}
      title={`Nobody has used ${label} yet`}
      action={
        <ButtonLink
          to="/workspaces/$workspaceId/broker-settings"
          params={{ workspaceId }}
          variant="default"
          size="xs"
          mt="xs"
        >
          Connect a client
        </ButtonLink>
      }
    >
      {label === 'Token 2'
        ? 'Give it to your services before you rotate, and the rotation stops nobody.'
        : 'A service that streams with it appears here within seconds.'}
    </Empty>
  )
}
