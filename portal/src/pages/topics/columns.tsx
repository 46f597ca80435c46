import { Badge, Group, Text } from '@mantine/core'
import type { Role } from '../../api/schema'
import type { Column } from '../../components/DataTable'
import { TextLink } from '../../components/links'
import { bytes, count, rate, UNKNOWN } from './numbers'
import type { TopicRow } from './rows'
import { duration, policy } from './settings'
import type { Act } from './TopicActions'
import { TopicMenu } from './TopicMenu'

/** The columns of the list of topics. */
export function topicColumns(
  workspaceId: string,
  role: Role | undefined,
  onAct: (row: TopicRow, act: Act) => void,
): Column<TopicRow>[] {
  return [
    {
      id: 'name',
      header: 'Topic',
      sortBy: ({ topic }) => topic.name,
      cell: ({ topic, internal }) => (
        <Group gap="xs" wrap="nowrap" miw={0}>
          <TextLink
            to="/workspaces/$workspaceId/topics/$topic"
            params={{ workspaceId, topic: topic.name }}
            fz="sm"
            fw={500}
            truncate
            maw={{ base: 180, sm: 300 }}
            title={topic.name}
          >
            {topic.name}
          </TextLink>
          {internal && (
            <Badge variant="light" color="gray" size="sm" tt="none" visibleFrom="sm" style={{ flex: 'none' }}>
              internal
            </Badge>
          )}
        </Group>
      ),
    },
    {
      id: 'partitions',
      header: 'Partitions',
      sortBy: ({ topic }) => topic.configuration.partitions,
      align: 'right',
      wide: true,
      cell: ({ topic }) => count(topic.configuration.partitions),
    },
    {
      id: 'messages',
      header: 'Messages',
      sortBy: ({ activity }) => activity?.records,
      align: 'right',
      cell: ({ activity }) => count(activity?.records),
    },
    {
      id: 'rate',
      header: 'Rate',
      sortBy: ({ rate }) => rate,
      align: 'right',
      wide: true,
      cell: (row) => (
        <Text span inherit c={row.rate !== undefined && row.rate >= 0.1 ? undefined : 'dimmed'}>
          {rate(row.rate)}
        </Text>
      ),
    },
    {
      id: 'size',
      header: 'Size',
      sortBy: ({ activity }) => activity?.bytes,
      align: 'right',
      wide: true,
      cell: ({ activity }) => bytes(activity?.bytes),
    },
    {
      id: 'groups',
      header: 'Groups',
      sortBy: ({ activity }) => activity?.groups,
      align: 'right',
      wide: true,
      cell: ({ activity }) => count(activity?.groups),
    },
    {
      id: 'lag',
      header: 'Lag',
      sortBy: ({ activity }) => activity?.lag,
      align: 'right',
      wide: true,
      cell: ({ activity }) => (
        <Text span inherit c={activity?.lag ? undefined : 'dimmed'}>
          {count(activity?.lag)}
        </Text>
      ),
    },
    {
      id: 'retention',
      header: 'Retention',
      sortBy: ({ topic }) => {
        const minutes = topic.configuration.retentionInMinutes
        return minutes < 0 ? Number.MAX_SAFE_INTEGER : minutes
      },
      wide: true,
      cell: ({ topic: { configuration } }) => (
        <Text span inherit style={{ whiteSpace: 'nowrap' }}>
          {duration(configuration.retentionInMinutes)}
          {configuration.retentionInBytes >= 0 && ` or ${bytes(configuration.retentionInBytes)}`}
        </Text>
      ),
    },
    {
      id: 'cleanup',
      header: 'Cleanup',
      sortBy: ({ topic }) => topic.configuration.cleanupPolicy,
      wide: true,
      cell: ({ topic }) => policy(topic.configuration.cleanupPolicy) || UNKNOWN,
    },
    {
      id: 'actions',
      header: '',
      width: 48,
      align: 'right',
      cell: (row) => <TopicMenu name={row.topic.name} role={role} onAct={(act) => onAct(row, act)} />,
    },
  ]
}
