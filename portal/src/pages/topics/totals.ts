import type { PartitionActivity, TopicActivity } from '../../api/schema'

/** What is in a topic altogether; null where somebody did not tell. */
export type Totals = Pick<TopicActivity, 'records' | 'bytes' | 'endOffsets'> & { groups?: number }

/** The sum over a topic's partitions. */
export function totalsOf(partitions: PartitionActivity[]): Totals {
  const sum = (of: (partition: PartitionActivity) => number | null | undefined) =>
    partitions.reduce<number | null>((total, partition) => {
      const value = of(partition)
      return total === null || value == null ? null : total + value
    }, 0)
  return {
    records: sum(recordsOf),
    bytes: sum(({ bytes }) => bytes),
    endOffsets: sum(({ highOffset }) => highOffset),
  }
}

/** How many messages lie in a partition. */
export function recordsOf({ lowOffset, highOffset }: PartitionActivity): number | null {
  return lowOffset == null || highOffset == null ? null : highOffset - lowOffset
}
