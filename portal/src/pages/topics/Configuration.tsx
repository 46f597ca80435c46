import { Group, Paper, Stack, Text } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import type { Role, Topic } from '../../api/schema'
import { Copy } from '../../components/Copy'
import { Fact, Facts } from '../../components/Facts'
import { RoleButton } from '../../components/RoleButton'
import { Time } from '../../components/Time'
import { bytes, count } from './numbers'
import { duration, policy } from './settings'

interface Props {
  topic: Topic
  role: Role | undefined
  onChange: () => void
}

/** A topic's settings. */
export function Configuration({ topic, role, onChange }: Props) {
  const { partitions, replicationFactor, retentionInMinutes, retentionInBytes, cleanupPolicy } =
    topic.configuration
  return (
    <Paper withBorder radius="md" p="lg">
      <Stack gap="md" align="flex-start">
        <Facts>
          <Fact label="Name on the broker">
            <Group gap={4} wrap="nowrap">
              <Text component="code" ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere' }}>
                {topic.id}
              </Text>
              <Copy text={topic.id} label="Copy the name on the broker" />
            </Group>
          </Fact>
          <Fact label="Partitions">{count(partitions)}</Fact>
          <Fact label="Copies">{count(replicationFactor)}</Fact>
          <Fact label="Messages are kept">
            {retentionInMinutes < 0 ? 'For ever' : `For ${duration(retentionInMinutes)}`}
          </Fact>
          <Fact label="Size limit">
            {retentionInBytes < 0 ? 'None' : `${bytes(retentionInBytes)} in each partition`}
          </Fact>
          <Fact label="Cleanup policy">{policy(cleanupPolicy)}</Fact>
          {topic.createdAt && (
            <Fact label="Created">
              <Time at={topic.createdAt} />
            </Fact>
          )}
          {topic.updatedAt && (
            <Fact label="Last changed">
              <Time at={topic.updatedAt} />
            </Fact>
          )}
        </Facts>
        <RoleButton
          own={role}
          needs="Editor"
          variant="default"
          size="xs"
          leftSection={<IconPencil size={16} aria-hidden />}
          onClick={onChange}
        >
          Change settings
        </RoleButton>
      </Stack>
    </Paper>
  )
}
