import { Badge } from '@mantine/core'
import type { Webhook } from '../../api/schema'

/** Whether a webhook is told anything. */
export function WebhookState({ webhook }: { webhook: Webhook }) {
  return (
    <Badge variant="light" color={webhook.enabled ? 'teal' : 'yellow'} tt="none">
      {webhook.enabled ? 'Enabled' : 'Disabled'}
    </Badge>
  )
}
