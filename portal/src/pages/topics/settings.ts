/** Kept for ever, or without a limit, as the API says it. */
export const FOR_EVER = -1

/** Units of time that a person gives a retention in, in minutes. */
export const TIME_UNITS = { minutes: 1, hours: 60, days: 1440 } as const
export type TimeUnit = keyof typeof TIME_UNITS

/** Units of size, in bytes. */
export const SIZE_UNITS = { MB: 1_000_000, GB: 1_000_000_000 } as const
export type SizeUnit = keyof typeof SIZE_UNITS

/** The largest unit in which a number of minutes is whole. */
export function timeParts(minutes: number): { value: number; unit: TimeUnit } {
  for (const unit of ['days', 'hours'] as const)
    if (minutes > 0 && minutes % TIME_UNITS[unit] === 0) return { value: minutes / TIME_UNITS[unit], unit }
  return { value: minutes, unit: 'minutes' }
}

/** The largest unit in which a number of bytes is at least one. */
export function sizeParts(bytes: number): { value: number; unit: SizeUnit } {
  const unit = bytes >= SIZE_UNITS.GB ? 'GB' : 'MB'
  return { value: bytes / SIZE_UNITS[unit], unit }
}

/** "7 days". */
export function duration(minutes: number): string {
  if (minutes < 0) return 'For ever'
  const { value, unit } = timeParts(minutes)
  return `${value} ${value === 1 ? unit.slice(0, -1) : unit}`
}

/** Cleanup policies as the API spells them, and what they mean. */
export const POLICIES = [
  { value: 'Delete', label: 'Delete them' },
  { value: 'Compact', label: 'Keep the newest of each key (compact)' },
  { value: 'DeleteAndCompact', label: 'Compact, and delete when their time is up' },
] as const

/** "Delete and compact". */
export function policy(value: string): string {
  return value === 'DeleteAndCompact' ? 'Delete and compact' : value
}

const NAME = /^[A-Za-z0-9._-]*$/
/** Kafka's limit for a topic's name, with the workspace in front of it. */
const LONGEST = 249

/** Why a text cannot be the name of a new topic; nothing: it can. The server's rules, said while one types. */
export function whyNotTopic(name: string, workspaceId: string, taken: string[]): string | undefined {
  if (!NAME.test(name)) return "Only letters, digits, '.', '_' and '-' are allowed."
  const length = workspaceId.length + 1 + name.length
  if (length > LONGEST) return `It is too long by ${length - LONGEST}.`
  if (taken.includes(name)) return 'There is a topic with this name already.'
  return undefined
}
