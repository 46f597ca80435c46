import { Group, SimpleGrid, Skeleton, Stack, Text, Title } from '@mantine/core'
import { useParams } from '@tanstack/react-router'
import type { Slot } from '../../api/schema'
import { useTokens } from '../../api/tokens'
import { useTokenUsage } from '../../api/usage'
import { useRole } from '../../api/workspaces'
import { Failed } from '../../components/Failed'
import { Page } from '../../components/Page'
import { RotateButton } from '../rotation/RotateButton'
import { TopicTabs } from '../topics/Tabs'
import { Connection } from './Connection'
import { Snippets } from './Snippets'
import { TokenCard } from './TokenCard'

const SLOTS: Slot[] = ['current', 'next']

/** How to connect to a workspace: its two tokens, the broker, and programs to begin with. */
export function BrokerSettings() {
  const { workspaceId } = useParams({ from: '/shell/workspaces/$workspaceId/broker-settings' })
  const tokens = useTokens(workspaceId)
  const usage = useTokenUsage(workspaceId).data
  const role = useRole(workspaceId)
  return (
    <Page
      title="Broker settings"
      description="Two SDK tokens are valid at all times. A program needs one of them and nothing else."
      tabs={<TopicTabs workspaceId={workspaceId} />}
    >
      <Stack gap="lg">
        <section aria-labelledby="tokens">
          <Group justify="space-between" mb="sm" gap="sm">
            <Title order={2} fz={18} id="tokens">
              SDK tokens
            </Title>
            <RotateButton workspaceId={workspaceId} variant="default" />
          </Group>
          {tokens.error ? (
            <Failed
              what="The tokens could not be loaded"
              error={tokens.error}
              retry={() => void tokens.refetch()}
            />
          ) : (
            <>
              <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
                {SLOTS.map((slot) => {
                  const token = tokens.data?.[slot]
                  if (token === undefined) return <Skeleton key={slot} height={320} radius="md" />
                  return (
                    // The card follows the token: what was revealed of Token 2 is still that after a rotation.
                    <TokenCard
                      key={token.id}
                      workspaceId={workspaceId}
                      slot={slot}
                      token={token}
                      usage={usage?.tokens.find(({ id }) => id === token.id)}
                      at={usage?.at}
                      windowMinutes={usage?.safeToRotate.windowMinutes}
                      role={role}
                    />
                  )
                })}
              </SimpleGrid>
              <Text fz="xs" c="dimmed" mt="xs">
                Tokens never expire, and each is as good as a password. A look at one is in the audit log,
                with your name.
              </Text>
            </>
          )}
        </section>
        <Connection workspaceId={workspaceId} />
        <Snippets workspaceId={workspaceId} tokens={tokens.data} role={role} />
      </Stack>
    </Page>
  )
}
