import { Alert, Code, Text } from '@mantine/core'
import { IconSkull } from '@tabler/icons-react'
import type { TokenClient, TokenUsage, UsedToken } from '../../api/schema'
import { type Column, DataTable } from '../../components/DataTable'
import { TextLink } from '../../components/links'
import { Time } from '../../components/Time'
import { identity } from '../rotation/checklist'
import { count } from './numbers'

/** Older ones are told more quietly, until they are forgotten after a week. */
const RECENT = 24 * 3_600_000

interface Try {
  token: UsedToken
  client: TokenClient
}

const COLUMNS: Column<Try>[] = [
  {
    id: 'client',
    header: 'Who',
    cell: ({ client }) => (
      <>
        <Text fz="sm" fw={500} miw={120} style={{ overflowWrap: 'anywhere' }}>
          {client.name}
        </Text>
        <Text fz="xs" c="dimmed">
          {client.via === 'api' ? 'API' : 'Broker'}
          {client.address && `, from ${client.address}`}
        </Text>
      </>
    ),
  },
  {
    id: 'token',
    header: 'Dead token',
    wide: true,
    cell: ({ token }) => (
      <>
        <Code>{token.masked}</Code>{' '}
        <Text span fz="xs" c="dimmed">
          died <Time at={token.deactivatedAt} />
        </Text>
      </>
    ),
  },
  {
    id: 'refused',
    header: 'Refused',
    align: 'right',
    sortBy: ({ client }) => client.refused,
    cell: ({ client }) => count(client.refused),
  },
  {
    id: 'at',
    header: 'Last tried',
    sortBy: ({ client }) => client.refusedAt,
    cell: ({ client }) => <Time at={client.refusedAt} />,
  },
]

/** An alarm: somebody tried tokens that are dead. Nothing if nobody did in the last week. */
export function DeadTokens({ usage }: { usage: TokenUsage }) {
  const tries = usage.tokens
    .filter((token) => token.deactivatedAt)
    .flatMap((token) =>
      [...token.clients, ...(token.others ? [token.others] : [])]
        .filter((client) => client.refused > 0)
        .map((client) => ({ token, client })),
    )
  if (tries.length === 0) return null
  const isNow = tries.some(({ client }) => Date.parse(usage.at) - Date.parse(client.refusedAt ?? '') < RECENT)
  const who = tries.length === 1 ? '1 client' : `${tries.length} clients`
  return (
    <Alert
      color={isNow ? 'red' : 'gray'}
      icon={<IconSkull aria-hidden />}
      title={
        isNow ? `${who} tried dead tokens in the last 24 hours` : `${who} tried dead tokens in the last week`
      }
    >
      <Text fz="sm" mb="sm">
        They were refused. A service of yours that was not restarted after a rotation gets a valid token in{' '}
        <TextLink
          underline="always"
          to="/workspaces/$workspaceId/broker-settings"
          params={{ workspaceId: usage.workspaceId }}
          fz="sm"
        >
          Broker settings
        </TextLink>
        . If you do not know it, the token has leaked: it is of no use any more, but find out where from.
      </Text>
      <DataTable
        label="Uses of dead tokens"
        columns={COLUMNS}
        rows={tries}
        rowKey={({ token, client }) => `${token.id} ${identity(client)}`}
        initialSort={{ column: 'at', descending: true }}
        empty={null}
      />
    </Alert>
  )
}
