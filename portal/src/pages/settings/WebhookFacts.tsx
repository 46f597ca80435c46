import { Alert, Paper } from '@mantine/core'
import type { Webhook } from '../../api/schema'
import { Fact, Facts } from '../../components/Facts'
import { Time } from '../../components/Time'
import { count } from '../usage/numbers'
import { WebhookState } from './WebhookState'

/** What a webhook is, and what is wrong with it. */
export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { enabled, disabledReason, events, createdAt, lastSuccessAt, dropped, previousSecretUntil } = webhook
  return (
    <>
      {!enabled && (
        <Alert color="yellow" title="Disabled: nothing is sent">
          {disabledReason ? `${disabledReason} ` : ''}What waits is sent when it is enabled again.
        </Alert>
      )}
      <Paper withBorder p="lg">
        <Facts>
          <Fact label="State">
            <WebhookState webhook={webhook} />
          </Fact>
          <Fact label="Events">{events.join(', ')}</Fact>
          <Fact label="Made">
            <Time at={createdAt} />
          </Fact>
          <Fact label="Last delivered">
            <Time at={lastSuccessAt} />
          </Fact>
          {dropped > 0 && (
            <Fact label="Not told">{count(dropped)} events, because too many were waiting already</Fact>
          )}
          {previousSecretUntil && (
            <Fact label="Old secret">
              signs as well until <Time at={previousSecretUntil} as="date" />
            </Fact>
          )}
        </Facts>
      </Paper>
    </>
  )
}
