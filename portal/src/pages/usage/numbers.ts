const COUNT = new Intl.NumberFormat('en')
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** "18,230". */
export function count(value: number): string {
  return COUNT.format(value)
}

/** "9.1 MB". */
export function bytes(value: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), UNITS.length - 1)
  const scaled = value / 1000 ** power
  return `${scaled.toFixed(power === 0 || scaled >= 100 ? 0 : 1)} ${UNITS[power]}`
}

/** "3 open connections", "1 group member". */
export function opened(value: number, what: 'connection' | 'group member' = 'connection'): string {
  const one = what === 'connection' ? 'open connection' : what
  return `${count(value)} ${one}${value === 1 ? '' : 's'}`
}
