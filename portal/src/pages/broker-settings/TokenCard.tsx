import { Badge, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type { Role, SdkToken, Slot, UsedToken } from '../../api/schema'
import { Copy } from '../../components/Copy'
import { Fact, Facts } from '../../components/Facts'
import { Time } from '../../components/Time'
import { ClientsNow } from './ClientsNow'
import { TokenValue } from './TokenValue'

const MEANING: Record<Slot, { word: string; sentence: string }> = {
  current: { word: 'Current', sentence: 'What deployments start with. The next rotation ends it.' },
  next: {
    word: 'Next',
    sentence: 'Already valid. The next rotation makes it Token 1; what uses it goes on.',
  },
}

interface Props {
  workspaceId: string
  slot: Slot
  token: SdkToken
  /** Nothing while it is on its way. */
  usage: UsedToken | undefined
  /** The server's time of the usage. */
  at: string | undefined
  windowMinutes: number | undefined
  role: Role | undefined
}

/** One of the two tokens: its value, what it is for, and who uses it. */
export function TokenCard({ workspaceId, slot, token, usage, at, windowMinutes, role }: Props) {
  return (
    <Paper withBorder radius="md" p="lg" component="section" aria-labelledby={`token-${token.id}`}>
      <Stack gap="sm">
        <Group gap="xs">
          <Title order={3} fz={17} id={`token-${token.id}`}>
            {token.label}
          </Title>
          <Badge variant="light" tt="none" color={slot === 'current' ? 'indigo' : 'gray'}>
            {MEANING[slot].word}
          </Badge>
        </Group>
        <Text fz="sm" c="dimmed">
          {MEANING[slot].sentence}
        </Text>
        <TokenValue workspaceId={workspaceId} slot={slot} token={token} role={role} />
        <Facts>
          <Fact label="Used by">
            <ClientsNow workspaceId={workspaceId} usage={usage} at={at} windowMinutes={windowMinutes} />
          </Fact>
          <Fact label="Last used">
            <Time at={token.lastUsedAt} />
          </Fact>
          <Fact label="Created">
            <Time at={token.createdAt} />
          </Fact>
          <Fact label="Principal">
            <Group gap={4} wrap="nowrap">
              <Text component="code" ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere' }}>
                {token.principal}
              </Text>
              <Copy text={token.principal} label={`Copy the principal of ${token.label}`} />
            </Group>
          </Fact>
        </Facts>
      </Stack>
    </Paper>
  )
}
