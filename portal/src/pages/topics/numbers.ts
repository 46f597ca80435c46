const COUNT = new Intl.NumberFormat('en')
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** What stands where a number is not known. */
export const UNKNOWN = '–'

/** "12,345". */
export function count(number: number | null | undefined): string {
  return number == null ? UNKNOWN : COUNT.format(number)
}

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** "1.2 MB", in steps of 1000. */
export function bytes(number: number | null | undefined): string {
  if (number == null) return UNKNOWN
  let [value, unit] = [number, 0]
  while (value >= 999.95 && unit < BYTES.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toFixed(1))} ${BYTES[unit]}`
}

/** "1.2K/s"; a rate below one in ten seconds is shown as nothing at all. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond == null) return UNKNOWN
  if (perSecond < 0.1) return '0/s'
  return `${perSecond < 10 ? Number(perSecond.toFixed(1)) : SHORT.format(Math.round(perSecond))}/s`
}

/** "1 partition", "2 partitions". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}
