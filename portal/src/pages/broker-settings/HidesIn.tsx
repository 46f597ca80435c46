import { Text } from '@mantine/core'
import { useSecondsLeft } from './useRevealed'

/** How long a secret stays on the page. Not announced each second: a screen reader would say nothing else. */
export function HidesIn({ until }: { until: number }) {
  const seconds = useSecondsLeft(until)
  return (
    <Text fz="xs" c="dimmed" role="timer" aria-live="off">
      Hidden again in {seconds} s
    </Text>
  )
}
