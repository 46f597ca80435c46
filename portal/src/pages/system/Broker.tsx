import { Alert, Button, List, Paper, Stack, Text } from '@mantine/core'
import type { BrokerStatus } from '../../api/schema'
import { useReconcile } from '../../api/system'
import { Fact, Facts } from '../../components/Facts'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'
import { Prune } from './Prune'
import { summary } from './reconciliation'

/** Where clients stream, whether database and broker agree, and what is still open there. */
export function Broker({ broker }: { broker: BrokerStatus }) {
  const reconcile = useReconcile()
  const { kind, address, clusterId, brokers, error, lastReconciliation: last, openCutOffs } = broker
  return (
    <Section
      title="Broker"
      action={
        <Button variant="default" loading={reconcile.isPending} onClick={() => reconcile.mutate({})}>
          Reconcile now
        </Button>
      }
    >
      <Stack gap="md">
        {error && (
          <Alert color="red" title="The cluster cannot be asked">
            {error}
          </Alert>
        )}
        {reconcile.isError && (
          <Failed what="Nothing was reconciled" error={reconcile.error} retry={() => reconcile.mutate({})} />
        )}
        <Paper withBorder px="lg" py="sm">
          <Facts>
            <Fact label="Kind">{kind === 'embedded' ? 'Embedded in Twinkey' : kind}</Fact>
            <Fact label="Address">{address}</Fact>
            {clusterId && <Fact label="Cluster">{clusterId}</Fact>}
            {brokers.length > 0 && (
              <Fact label="Brokers">
                {brokers
                  .map(({ id, address: at, fenced }) => `${id} (${at}${fenced ? ', fenced' : ''})`)
                  .join(', ')}
              </Fact>
            )}
            <Fact label="Reconciled">
              <Time at={last?.at} never="not since the start" />
              {last && (
                <Text span fz="sm" c={last.error ? 'var(--twinkey-bad)' : 'dimmed'}>
                  {'. '}
                  {last.error ?? summary(last)}
                </Text>
              )}
            </Fact>
            <Fact label="Cut-offs">
              {openCutOffs.length === 0 ? (
                'All proved: no broker serves a dead token.'
              ) : (
                <List fz="sm">
                  {openCutOffs.map(({ id, workspaceId, deactivatedAt, open }) => (
                    <List.Item key={id}>
                      A token of{' '}
                      <TextLink
                        to="/workspaces/$workspaceId/usage"
                        params={{ workspaceId }}
                        underline="always"
                        fz="sm"
                      >
                        {workspaceId}
                      </TextLink>
                      , dead since <Time at={deactivatedAt} />:{' '}
                      {open.map(({ reason }) => reason).join('; ') || 'under way'}
                    </List.Item>
                  ))}
                </List>
              )}
            </Fact>
          </Facts>
          <Text fz="xs" c="dimmed" mt="xs">
            Twinkey compares database and broker by itself, at its start and again and again. To reconcile now
            does no harm.
          </Text>
        </Paper>
        {broker.namesWithoutRights.length > 0 && <Prune names={broker.namesWithoutRights} />}
      </Stack>
    </Section>
  )
}
