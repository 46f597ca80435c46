/** Something that a record says: before and after, or only now. */
export interface Line {
  field: string
  before?: string
  after?: string
}

type Facts = Record<string, unknown>

function isFacts(value: unknown): value is Facts {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (value === null) return '–'
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `{a: {b: 1}}` as `[['a.b', 1]]`. */
function flat(value: unknown, name = ''): [string, unknown][] {
  if (!isFacts(value)) return name === '' ? [] : [[name, value]]
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, name === '' ? key : `${name}.${key}`))
}

/** What was changed, field by field, and the other facts of a record; nothing if its detail is no JSON object. */
export function read(detail: string): { changes: Line[]; facts: Line[] } | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(detail)
  } catch {
    return undefined
  }
  if (!isFacts(parsed)) return undefined
  const { before, after, ...rest } = parsed
  const was = new Map(isFacts(before) || before === undefined ? flat(before) : [['value', before]])
  const is = new Map(isFacts(after) || after === undefined ? flat(after) : [['value', after]])
  const changes = [...new Set([...was.keys(), ...is.keys()])].map((field) =>
    line(field, was.get(field), is.get(field)),
  )
  return {
    changes,
    facts: flat(rest).flatMap(([field, value]) => (value === null ? [] : [line(field, undefined, value)])),
  }
}

function line(field: string, before: unknown, after: unknown): Line {
  const [was, is] = [text(before), text(after)]
  return { field, ...(was !== undefined && { before: was }), ...(is !== undefined && { after: is }) }
}
