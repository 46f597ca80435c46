import { DataTable } from '../../components/DataTable'
import type { Series } from './series'

interface Props {
  charts: { title: string; series: Series[] }[]
  steps: number[]
  time: (at: number) => string
}

interface Row {
  at: number
  values: (number | null)[]
}

/** The numbers of the charts, the newest first, without the steps in which nothing happened. */
export function TimelineTable({ charts, steps, time }: Props) {
  const lines = charts.flatMap(({ title, series }) => series.map((each) => ({ title, ...each })))
  const rows: Row[] = steps
    .map((at, index) => ({ at, values: lines.map(({ values }) => values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value))
    .toReversed()
  return (
    <DataTable<Row>
      label="The use of the tokens over time"
      rows={rows}
      rowKey={({ at }) => String(at)}
      empty="Nothing happened in this time."
      columns={[
        { id: 'at', header: 'From', cell: ({ at }) => time(at), sortBy: ({ at }) => at },
        ...lines.map(({ title, id, label }, index) => ({
          id: `${title} ${id}`,
          header: `${title}, ${label}`,
          align: 'right' as const,
          cell: ({ values }: Row) => values[index] ?? '?',
        })),
      ]}
    />
  )
}
