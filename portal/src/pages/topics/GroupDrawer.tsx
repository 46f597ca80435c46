import { Badge, Drawer, Group, Skeleton, Stack, Table, Text, Title } from '@mantine/core'
import type { ConsumerGroup, GroupMember, GroupTopic } from '../../api/schema'
import { Fact, Facts } from '../../components/Facts'
import { TextLink } from '../../components/links'
import { GroupState } from './GroupState'
import { count } from './numbers'

/** More partitions of a topic than this are not listed: those that lag most come first. */
const PARTITIONS_SHOWN = 200

interface Props {
  workspaceId: string
  /** Nothing: it is closed. */
  name: string | undefined
  group: ConsumerGroup | undefined
  loading: boolean
  onClose: () => void
}

/** One consumer group: its members, and how far it has come in each partition. */
export function GroupDrawer({ workspaceId, name, group, loading, onClose }: Props) {
  return (
    <Drawer
      opened={name !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={name === undefined ? 'Consumer group' : `Consumer group ${name}`}
      styles={{ title: { fontWeight: 600 } }}
    >
      {group ? (
        <Details workspaceId={workspaceId} group={group} />
      ) : loading ? (
        <Skeleton height={200} />
      ) : (
        <Text fz="sm">There is no group with this name, or not any more.</Text>
      )}
    </Drawer>
  )
}

function Details({ workspaceId, group }: { workspaceId: string; group: ConsumerGroup }) {
  return (
    <Stack gap="lg">
      <Facts>
        <Fact label="State">
          <GroupState state={group.state} />
        </Fact>
        <Fact label="Lag">{count(group.lag)}</Fact>
        <Fact label="Id on the broker">
          <Text component="code" ff="monospace" fz="sm" style={{ overflowWrap: 'anywhere' }}>
            {group.id}
          </Text>
        </Fact>
      </Facts>
      <section aria-label="Members">
        <Title order={3} fz={15} mb="xs">
          Members
        </Title>
        {group.members.length === 0 && (
          <Text fz="sm" c="dimmed">
            Nobody is in it.
          </Text>
        )}
        <Stack gap="sm">
          {group.members.map((member) => (
            <Member key={member.id} member={member} />
          ))}
        </Stack>
      </section>
      {group.topics.map((topic) => (
        <Places key={topic.topic} workspaceId={workspaceId} topic={topic} />
      ))}
    </Stack>
  )
}

function Member({ member: { clientId, host, id, token } }: { member: GroupMember }) {
  return (
    <div>
      <Group gap="xs">
        <Text fz="sm" fw={500} style={{ overflowWrap: 'anywhere' }}>
          {clientId || 'no client id'}
        </Text>
        {token && (
          <Badge variant="light" tt="none" color={token === 'Token 1' ? 'indigo' : 'gray'}>
            {token}
          </Badge>
        )}
      </Group>
      <Text fz="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
        {host.replace(/^\//, '')} · {id}
      </Text>
    </div>
  )
}

function Places({ workspaceId, topic }: { workspaceId: string; topic: GroupTopic }) {
  const partitions = topic.partitions
    .toSorted((left, right) =>
      topic.partitions.length > PARTITIONS_SHOWN
        ? (right.lag ?? 0) - (left.lag ?? 0)
        : left.partition - right.partition,
    )
    .slice(0, PARTITIONS_SHOWN)
  const left = topic.partitions.length - partitions.length
  return (
    <section aria-label={topic.topic}>
      <Title order={3} fz={15} mb={4}>
        <TextLink
          to="/workspaces/$workspaceId/topics/$topic"
          params={{ workspaceId, topic: topic.topic }}
          style={{ overflowWrap: 'anywhere' }}
        >
          {topic.topic}
        </TextLink>
      </Title>
      <Table fz="sm" verticalSpacing={5}>
        <Table.Thead>
          <Table.Tr>
            {['Partition', 'Committed', 'Next offset', 'Lag'].map((header) => (
              <Table.Th key={header} fz="xs" c="dimmed" ta={header === 'Partition' ? undefined : 'right'}>
                {header}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {partitions.map(({ partition, committed, highOffset, lag }) => (
            <Table.Tr key={partition}>
              <Table.Td>{partition}</Table.Td>
              <Table.Td ta="right">{committed == null ? 'nothing yet' : count(committed)}</Table.Td>
              <Table.Td ta="right">{count(highOffset)}</Table.Td>
              <Table.Td ta="right">{count(lag)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {left > 0 && (
        <Text fz="xs" c="dimmed">
          {count(left)} more partitions, which lag less. All of them are on the topic's page.
        </Text>
      )}
    </section>
  )
}
