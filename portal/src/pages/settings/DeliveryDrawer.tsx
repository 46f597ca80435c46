import { Button, Code, Drawer, Stack, Title } from '@mantine/core'
import type { Delivery } from '../../api/schema'
import { useRedeliver } from '../../api/webhooks'
import { Fact, Facts } from '../../components/Facts'
import { Refused } from '../../components/Refused'
import { Time } from '../../components/Time'
import { LastAnswer } from './LastAnswer'

interface Props {
  workspaceId: string
  webhookId: string
  /** Nothing: closed. */
  delivery: Delivery | undefined
  onClose: () => void
}

/** One delivery: what was sent, what was answered, and sending it again. */
export function DeliveryDrawer({ workspaceId, webhookId, delivery, onClose }: Props) {
  const redeliver = useRedeliver()
  const close = () => {
    redeliver.reset()
    onClose()
  }
  const send = (id: string) =>
    redeliver.mutate({
      params: { path: { workspace_id: workspaceId, webhook_id: webhookId, delivery_id: id } },
    })
  return (
    <Drawer opened={delivery !== undefined} onClose={close} size={560} title={delivery?.event}>
      {delivery && (
        <Stack gap="md">
          <Facts>
            <Fact label="webhook-id">
              <Code>{delivery.id}</Code>
            </Fact>
            <Fact label="Happened">
              <Time at={delivery.createdAt} as="date" />
            </Fact>
            <Fact label="Attempts">{delivery.attempts}</Fact>
            <Fact label="Last attempt">
              <Time at={delivery.lastAttemptAt} never="none yet" />
            </Fact>
            <Fact label="Last answer">
              <LastAnswer delivery={delivery} />
            </Fact>
          </Facts>
          <div>
            <Title order={3} fz="sm" mb={4}>
              Body
            </Title>
            <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {pretty(delivery.payload)}
            </Code>
          </div>
          <Refused error={redeliver.error} />
          <Button
            variant="default"
            w="fit-content"
            loading={redeliver.isPending}
            disabled={delivery.state === 'pending'}
            onClick={() => send(delivery.id)}
          >
            {delivery.state === 'pending' ? 'It waits to be sent' : 'Send it again'}
          </Button>
        </Stack>
      )}
    </Drawer>
  )
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return payload
  }
}
