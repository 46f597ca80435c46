import { Badge, Text } from '@mantine/core'
import type { ReplicaStatus } from '../../api/schema'
import { type Column, DataTable } from '../../components/DataTable'
import { Section } from '../../components/Section'
import { Time } from '../../components/Time'

const COLUMNS: Column<ReplicaStatus>[] = [
  {
    id: 'name',
    header: 'Where',
    sortBy: ({ name }) => name,
    cell: ({ name, self }) => (
      <Text fz="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        {name}{' '}
        {self && (
          <Badge variant="light" tt="none" size="sm">
            this one
          </Badge>
        )}
      </Text>
    ),
  },
  { id: 'version', header: 'Version', cell: ({ version }) => version },
  { id: 'started', header: 'Started', wide: true, cell: ({ startedAt }) => <Time at={startedAt} /> },
  { id: 'seen', header: 'Last sign of life', cell: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
]

/** The servers on this database. */
export function Replicas({ replicas }: { replicas: ReplicaStatus[] }) {
  return (
    <Section title="Replicas" description="Servers on the same database. With SQLite there can be one.">
      <DataTable label="Replicas" columns={COLUMNS} rows={replicas} rowKey={({ id }) => id} empty={null} />
    </Section>
  )
}
