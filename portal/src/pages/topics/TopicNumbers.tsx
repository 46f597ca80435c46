import { Group, Paper, Skeleton, Text } from '@mantine/core'
import { useMemo } from 'react'
import type { TopicPartitions } from '../../api/schema'
import { bytes, count, rate } from './numbers'
import { totalsOf } from './totals'
import { useRates } from './useRates'

/** How much is in a topic, and how fast more comes. */
export function TopicNumbers({ partitions }: { partitions: TopicPartitions | undefined }) {
  const totals = useMemo(() => partitions && totalsOf(partitions.partitions), [partitions])
  const sample = useMemo(
    () =>
      partitions && {
        at: partitions.at,
        topics: [{ id: '', name: '', groups: 0, endOffsets: totals?.endOffsets ?? null }],
        partial: [],
      },
    [partitions, totals],
  )
  const perSecond = useRates(sample).get('')
  const numbers: [string, string | undefined][] = [
    ['Messages', totals && count(totals.records)],
    ['Rate', totals && rate(perSecond)],
    ['Size', totals && bytes(totals.bytes)],
    ['Partitions', partitions && count(partitions.partitions.length)],
  ]
  return (
    <Paper withBorder radius="md" px="lg" py="sm">
      <Group component="dl" m={0} style={{ columnGap: 'clamp(20px, 4vw, 40px)', rowGap: 8 }}>
        {numbers.map(([label, value]) => (
          <div key={label}>
            <Text component="dt" fz="xs" c="dimmed">
              {label}
            </Text>
            <Text component="dd" m={0} fw={600} fz="md" style={{ fontVariantNumeric: 'tabular-nums' }}>
              {value ?? <Skeleton height={18} width={64} my={3} />}
            </Text>
          </div>
        ))}
      </Group>
    </Paper>
  )
}
