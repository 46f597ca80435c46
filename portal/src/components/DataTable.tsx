import { Box, Group, Skeleton, Table, Text, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { IconChevronDown, IconChevronUp, IconSelector } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useMemo, useRef, useState } from 'react'
import classes from './DataTable.module.css'

/** A column: what it shows of a row, and by what it sorts. */
export interface Column<Row> {
  id: string
  /** Nothing: a column of buttons. */
  header: string
  cell: (row: Row) => ReactNode
  /** Sortable by this. */
  sortBy?: (row: Row) => string | number | null | undefined
  /** Numbers stand at the right. */
  align?: 'right'
  /** As in CSS. */
  width?: number | string
  /** Left out on narrow screens. */
  wide?: boolean
}

interface Props<Row> {
  /** What the table holds, for screen readers: "Topics". */
  label: string
  columns: Column<Row>[]
  /** Nothing: they are on their way. */
  rows: Row[] | undefined
  rowKey: (row: Row) => string
  /** Stands where the rows would, if there is none. */
  empty: ReactNode
  initialSort?: { column: string; descending?: boolean }
  /** Widths follow the columns and not what is in them: for rows that come and go. */
  layout?: 'fixed'
}

/** From here on only the rows in sight are in the document. */
const MANY = 100
const ROW_HEIGHT = 45

/** A table that sorts, waits with a skeleton, and takes ten thousand rows. */
export function DataTable<Row>({ label, columns, rows, rowKey, empty, initialSort, layout }: Props<Row>) {
  const [sort, setSort] = useState(initialSort)
  const sorted = useMemo(() => {
    const by = columns.find((column) => column.id === sort?.column)?.sortBy
    if (rows === undefined || by === undefined) return rows
    const sign = sort?.descending ? -1 : 1
    return rows.toSorted((left, right) => sign * compare(by(left), by(right)))
  }, [rows, columns, sort])
  const scroller = useRef<HTMLDivElement>(null)
  const many = (sorted?.length ?? 0) > MANY
  const virtual = useVirtualizer({
    count: many ? (sorted?.length ?? 0) : 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  })
  if (sorted?.length === 0) return <Box className={classes.frame}>{empty}</Box>
  const items = virtual.getVirtualItems()
  const shown = many && sorted ? items.map((item) => sorted[item.index] as Row) : sorted
  const before = many ? (items[0]?.start ?? 0) : 0
  const after = many ? virtual.getTotalSize() - (items.at(-1)?.end ?? 0) : 0
  return (
    // Whoever cannot use a mouse scrolls it with the keyboard, so it takes the focus.
    <Box
      ref={scroller}
      className={classes.frame}
      data-many={many || undefined}
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <Table
        className={classes.table}
        verticalSpacing={9}
        horizontalSpacing="md"
        highlightOnHover
        layout={layout}
        stickyHeader={many}
      >
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Head
                key={column.id}
                column={column}
                sorted={
                  sort?.column === column.id ? (sort.descending ? 'descending' : 'ascending') : undefined
                }
                onSort={() =>
                  setSort({
                    column: column.id,
                    descending: sort?.column === column.id ? !sort.descending : column.align === 'right',
                  })
                }
              />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody aria-busy={sorted === undefined || undefined}>
          {before > 0 && <Spacer height={before} columns={columns.length} />}
          {shown === undefined
            ? [1, 2, 3, 4, 5].map((row) => (
                <Table.Tr key={row}>
                  {columns.map((column) => (
                    <Table.Td key={column.id} data-wide={column.wide || undefined}>
                      <Skeleton height={16} my={3} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))
            : shown.map((row) => (
                <Table.Tr key={rowKey(row)}>
                  {columns.map((column) => (
                    <Table.Td
                      key={column.id}
                      ta={column.align}
                      data-wide={column.wide || undefined}
                      style={column.align && { whiteSpace: 'nowrap' }}
                    >
                      {column.cell(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
          {after > 0 && <Spacer height={after} columns={columns.length} />}
        </Table.Tbody>
      </Table>
    </Box>
  )
}

function Head<Row>({
  column,
  sorted,
  onSort,
}: {
  column: Column<Row>
  sorted: 'ascending' | 'descending' | undefined
  onSort: () => void
}) {
  const Icon = sorted === undefined ? IconSelector : sorted === 'ascending' ? IconChevronUp : IconChevronDown
  const text = (
    <Text span fz="xs" fw={600} c="dimmed">
      {column.header === '' ? <VisuallyHidden>Actions</VisuallyHidden> : column.header}
    </Text>
  )
  return (
    <Table.Th
      w={column.width}
      ta={column.align}
      aria-sort={sorted}
      scope="col"
      data-wide={column.wide || undefined}
    >
      {column.sortBy ? (
        <UnstyledButton onClick={onSort} className={classes.sort}>
          <Group gap={4} wrap="nowrap" justify={column.align === 'right' ? 'flex-end' : undefined}>
            {text}
            <Icon size={14} aria-hidden />
          </Group>
        </UnstyledButton>
      ) : (
        text
      )}
    </Table.Th>
  )
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  )
}

/** Made once: sorting ten thousand names takes many times as long without it. */
const NAMES = new Intl.Collator('en', { numeric: true })

/** Unknown values stand at the end of an ascending list. */
function compare(
  left: string | number | null | undefined,
  right: string | number | null | undefined,
): number {
  if (left === right) return 0
  if (left === null || left === undefined) return 1
  if (right === null || right === undefined) return -1
  if (typeof left === 'string' && typeof right === 'string') return NAMES.compare(left, right)
  return left < right ? -1 : 1
}
