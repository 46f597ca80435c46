import { Code, Text } from '@mantine/core'
import { SecretOnce } from '../../components/SecretOnce'

/** The signing secret of a webhook, this one time. */
export function WebhookSecret({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <SecretOnce label="Signing secret" value={secret} onDone={onDone}>
      <Text fz="sm">
        Your receiver verifies with it that a call comes from Twinkey: the header{' '}
        <Code>webhook-signature</Code>, as Standard Webhooks say. Put it where the receiver keeps its secrets.
      </Text>
    </SecretOnce>
  )
}
