import { Text } from '@mantine/core'

const LOCAL = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})

/** When a message was written, to the millisecond; UTC on hover. Not "ago": messages are compared with each other. */
export function MessageTime({ at }: { at: string | null | undefined }) {
  if (!at)
    return (
      <Text span inherit c="dimmed">
        no time
      </Text>
    )
  return (
    // A title and not a tooltip: a list has hundreds of them, and four times a second they are others.
    <time
      dateTime={at}
      title={new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC')}
      style={{ whiteSpace: 'nowrap' }}
    >
      {LOCAL.format(new Date(at))}
    </time>
  )
}
