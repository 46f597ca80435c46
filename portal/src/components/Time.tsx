import { Text, Tooltip } from '@mantine/core'
import { useNow } from './useNow'

const LOCAL = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' })
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** "4 seconds ago". */
export function relative(at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1000
  if (Math.abs(seconds) < 1) return 'just now'
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return RELATIVE.format(Math.round(seconds / length), unit)
}

interface Props {
  /** RFC 3339; nothing is shown as "never". */
  at: string | null | undefined
  /** Ago, or the date and time. */
  as?: 'ago' | 'date'
  never?: string
}

/** A time as people here read it; UTC on hover and for the keyboard. */
export function Time({ at, as = 'ago', never = 'never' }: Props) {
  const now = useNow()
  if (!at)
    return (
      <Text span inherit c="dimmed">
        {never}
      </Text>
    )
  const date = new Date(at)
  const utc = date.toISOString().replace('T', ' ').replace('.000', '').replace('Z', ' UTC')
  return (
    <Tooltip label={`${LOCAL.format(date)} · ${utc}`}>
      <time dateTime={at}>{as === 'ago' ? relative(date, now) : LOCAL.format(date)}</time>
    </Tooltip>
  )
}
