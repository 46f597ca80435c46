import { Alert, Stack } from '@mantine/core'
import { IconUsersGroup } from '@tabler/icons-react'
import { useMemo } from 'react'
import { useGroups } from '../../api/topics'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { TextLink } from '../../components/links'
import { count } from './numbers'

interface Row {
  group: string
  state: string
  partition: number
  committed: number | null | undefined
  highOffset: number | null | undefined
  lag: number | null | undefined
}

/** How far each consumer group has come in a topic, partition by partition. */
export function TopicGroups({ workspaceId, topic }: { workspaceId: string; topic: string }) {
  const groups = useGroups(workspaceId, topic)
  const rows = useMemo(
    () =>
      groups.data?.groups.flatMap((group) =>
        group.topics.flatMap(({ partitions }) =>
          partitions.map(
            (partition): Row => ({
              group: group.name,
              state: group.state,
              partition: partition.partition,
              committed: partition.committed,
              highOffset: partition.highOffset,
              lag: partition.lag,
            }),
          ),
        ),
      ),
    [groups.data],
  )
  const columns = useMemo(() => columnsOf(workspaceId), [workspaceId])
  if (groups.error && groups.data === undefined)
    return (
      <Failed
        what="The consumer groups could not be loaded"
        error={groups.error}
        retry={() => void groups.refetch()}
      />
    )
  return (
    <Stack gap="sm">
      {groups.data?.partial.map((sentence) => (
        <Alert key={sentence} color="yellow">
          {sentence}
        </Alert>
      ))}
      <DataTable
        label="List of consumer groups"
        columns={columns}
        rows={rows}
        rowKey={({ group, partition }) => `${partition} ${group}`}
        initialSort={{ column: 'group' }}
        empty={
          <Empty icon={<IconUsersGroup />} title="No consumer group reads this topic">
            A group stands here as soon as it has committed how far it has come.
          </Empty>
        }
      />
    </Stack>
  )
}

function columnsOf(workspaceId: string): Column<Row>[] {
  return [
    {
      id: 'group',
      header: 'Group',
      sortBy: ({ group }) => group,
      cell: ({ group }) => (
        <TextLink
          to="/workspaces/$workspaceId/groups"
          params={{ workspaceId }}
          search={{ group }}
          fz="sm"
          truncate
          maw={{ base: 150, sm: 360 }}
          title={group}
          display="block"
        >
          {group}
        </TextLink>
      ),
    },
    { id: 'state', header: 'State', sortBy: ({ state }) => state, wide: true, cell: ({ state }) => state },
    {
      id: 'partition',
      header: 'Partition',
      sortBy: ({ partition }) => partition,
      align: 'right',
      cell: ({ partition }) => partition,
    },
    {
      id: 'committed',
      header: 'Committed',
      sortBy: ({ committed }) => committed,
      align: 'right',
      wide: true,
      cell: ({ committed }) => (committed == null ? 'nothing yet' : count(committed)),
    },
    {
      id: 'end',
      header: 'Next offset',
      sortBy: ({ highOffset }) => highOffset,
      align: 'right',
      wide: true,
      cell: ({ highOffset }) => count(highOffset),
    },
    { id: 'lag', header: 'Lag', sortBy: ({ lag }) => lag, align: 'right', cell: ({ lag }) => count(lag) },
  ]
}
