import { Alert, Stack } from '@mantine/core'
import { IconStack2 } from '@tabler/icons-react'
import type { PartitionActivity } from '../../api/schema'
import type { usePartitions } from '../../api/topics'
import { type Column, DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failed } from '../../components/Failed'
import { bytes, count } from './numbers'
import { recordsOf } from './totals'

const COLUMNS: Column<PartitionActivity>[] = [
  {
    id: 'partition',
    header: 'Partition',
    sortBy: ({ partition }) => partition,
    cell: ({ partition }) => partition,
  },
  {
    id: 'messages',
    header: 'Messages',
    sortBy: recordsOf,
    align: 'right',
    cell: (partition) => count(recordsOf(partition)),
  },
  {
    id: 'low',
    header: 'First offset',
    sortBy: ({ lowOffset }) => lowOffset,
    align: 'right',
    wide: true,
    cell: ({ lowOffset }) => count(lowOffset),
  },
  {
    id: 'high',
    header: 'Next offset',
    sortBy: ({ highOffset }) => highOffset,
    align: 'right',
    cell: ({ highOffset }) => count(highOffset),
  },
  {
    id: 'size',
    header: 'Size',
    sortBy: ({ bytes }) => bytes,
    align: 'right',
    cell: (partition) => bytes(partition.bytes),
  },
]

const LEADER: Column<PartitionActivity> = {
  id: 'leader',
  header: 'Leader',
  sortBy: ({ leader }) => leader,
  align: 'right',
  wide: true,
  cell: ({ leader }) => (leader == null ? 'none' : `Broker ${leader}`),
}

/** A topic's partitions. */
export function Partitions({ query }: { query: ReturnType<typeof usePartitions> }) {
  const partitions = query.data?.partitions
  // The embedded broker is one node: nobody leads.
  const led = partitions?.some(({ leader }) => leader != null)
  if (query.error && query.data === undefined)
    return (
      <Failed
        what="The partitions could not be loaded"
        error={query.error}
        retry={() => void query.refetch()}
      />
    )
  return (
    <Stack gap="sm">
      {query.data?.partial.map((sentence) => (
        <Alert key={sentence} color="yellow">
          {sentence}
        </Alert>
      ))}
      <DataTable
        label="List of partitions"
        columns={led ? [...COLUMNS, LEADER] : COLUMNS}
        rows={partitions}
        rowKey={({ partition }) => `${partition}`}
        initialSort={{ column: 'partition' }}
        empty={<Empty icon={<IconStack2 />} title="No partitions" />}
      />
    </Stack>
  )
}
