import { Text } from '@mantine/core'
import { IconWebhook } from '@tabler/icons-react'
import { useState } from 'react'
import { isAtLeast } from '../../api/role'
import type { Role, Webhook } from '../../api/schema'
import { useWebhooks } from '../../api/webhooks'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { RoleButton } from '../../components/RoleButton'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { NewWebhook } from './NewWebhook'
import { WebhookState } from './WebhookState'

/** Where Twinkey tells what happens to the tokens. */
export function Webhooks({ workspaceId, role }: { workspaceId: string; role: Role | undefined }) {
  const [adding, setAdding] = useState(false)
  const isAdmin = role !== undefined && isAtLeast(role, 'Admin')
  const webhooks = useWebhooks(workspaceId, isAdmin)
  const add = (
    <RoleButton own={role} needs="Admin" variant="default" onClick={() => setAdding(true)}>
      Add a webhook
    </RoleButton>
  )
  return (
    <Section
      title="Webhooks"
      description="Twinkey calls a URL of yours when tokens are rotated, or a dead one is tried."
      action={webhooks.data?.length === 0 ? null : add}
    >
      {role !== undefined && !isAdmin ? (
        <Text fz="sm">
          Webhooks are for Admins of this workspace; your role is {role}. Somebody who is Admin can give you
          the role, on the page Members.
        </Text>
      ) : webhooks.isError ? (
        <Failed
          what="The webhooks could not be loaded"
          error={webhooks.error}
          retry={() => void webhooks.refetch()}
        />
      ) : (
        <DataTable
          label="Webhooks"
          columns={COLUMNS}
          rows={webhooks.data}
          rowKey={({ id }) => id}
          empty={
            <Empty icon={<IconWebhook />} title="No webhooks yet" action={add}>
              A chat, a pager or a script of yours can be told of rotations and of dead tokens that somebody
              tries.
            </Empty>
          }
        />
      )}
      <NewWebhook workspaceId={workspaceId} opened={adding} onClose={() => setAdding(false)} />
    </Section>
  )
}

const COLUMNS: Column<Webhook>[] = [
  {
    id: 'url',
    header: 'URL',
    cell: ({ id, workspaceId, url }) => (
      <TextLink
        to="/workspaces/$workspaceId/settings/webhooks/$webhookId"
        params={{ workspaceId, webhookId: id }}
        fz="sm"
        style={{ overflowWrap: 'anywhere' }}
      >
        {url}
      </TextLink>
    ),
  },
  { id: 'state', header: 'State', cell: (webhook) => <WebhookState webhook={webhook} /> },
  { id: 'events', header: 'Events', align: 'right', wide: true, cell: ({ events }) => events.length },
  {
    id: 'delivered',
    header: 'Last delivered',
    wide: true,
    cell: ({ lastSuccessAt }) => <Time at={lastSuccessAt} />,
  },
]
