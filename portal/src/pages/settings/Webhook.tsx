import { Skeleton, Stack } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { isAtLeast } from '../../api/role'
import { useWebhook } from '../../api/webhooks'
import { useWorkspace } from '../../api/workspaces'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { Page } from '../../components/Page'
import { webhookRoute } from '../../router'
import { Deliveries } from './Deliveries'
import { WebhookActions } from './WebhookActions'
import { WebhookFacts } from './WebhookFacts'

/** One webhook: where to, what of, what was sent and what became of it. */
export function Webhook() {
  const { workspaceId, webhookId } = webhookRoute.useParams()
  const workspace = useWorkspace(workspaceId)
  const role = workspace.data?.role
  const isAllowed = role === undefined || isAtLeast(role, 'Admin')
  const webhook = useWebhook(workspaceId, webhookId, role !== undefined && isAllowed)
  const settings = (
    <TextLink to="/workspaces/$workspaceId/settings" params={{ workspaceId }} fz="sm">
      Settings
    </TextLink>
  )
  return (
    <Page
      title="Webhook"
      description={webhook.data?.url}
      above={[{ label: 'Settings', link: settings }]}
      actions={webhook.data && isAllowed && <WebhookActions webhook={webhook.data} />}
    >
      {!isAllowed ? (
        <Empty icon={<IconLock />} title="Webhooks are for Admins of this workspace">
          Your role here is {role}. Somebody who is Admin can give you the role, on the page Members.
        </Empty>
      ) : workspace.isError && role === undefined ? (
        <Failed
          what="Your role here could not be looked up"
          error={workspace.error}
          retry={() => void workspace.refetch()}
        />
      ) : webhook.isError ? (
        <Failed
          what="The webhook could not be loaded"
          error={webhook.error}
          retry={() => void webhook.refetch()}
        />
      ) : webhook.data ? (
        <Stack gap={32}>
          <WebhookFacts webhook={webhook.data} />
          <Deliveries workspaceId={workspaceId} webhookId={webhookId} />
        </Stack>
      ) : (
        <Skeleton height={240} aria-hidden />
      )}
    </Page>
  )
}
