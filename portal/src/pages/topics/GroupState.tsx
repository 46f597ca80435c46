import { Badge, Tooltip } from '@mantine/core'

const MEANING: Record<string, { color: string; word: string; sentence: string }> = {
  Stable: { color: 'teal', word: 'Stable', sentence: 'Its members have shared the partitions and read.' },
  Empty: { color: 'gray', word: 'Empty', sentence: 'Nobody is in it. How far it has come is kept.' },
  PreparingRebalance: {
    color: 'yellow',
    word: 'Rebalancing',
    sentence: 'Members come or go, and the partitions are shared anew.',
  },
  CompletingRebalance: {
    color: 'yellow',
    word: 'Rebalancing',
    sentence: 'Members come or go, and the partitions are shared anew.',
  },
  Dead: { color: 'gray', word: 'Dead', sentence: 'It is being deleted.' },
}

/** How it stands with a consumer group. */
export function GroupState({ state }: { state: string }) {
  const { color, word, sentence } = MEANING[state] ?? {
    color: 'gray',
    word: state,
    sentence: 'As the broker says it.',
  }
  return (
    <Tooltip label={sentence}>
      <Badge variant="light" color={color} tt="none" tabIndex={0}>
        {word}
      </Badge>
    </Tooltip>
  )
}
