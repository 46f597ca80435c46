import { NumberInput, Select, TextInput } from '@mantine/core'
import { type From, toParameter } from './from'

const KINDS: { value: From['kind']; label: string }[] = [
  { value: 'live', label: 'Newest, live' },
  { value: 'last', label: 'The last ones' },
  { value: 'beginning', label: 'From the beginning' },
  { value: 'offset', label: 'From an offset' },
  { value: 'time', label: 'From a time' },
]

const HOUR = 3_600_000

/** What stands there when a kind is chosen. */
function fresh(kind: From['kind']): From {
  switch (kind) {
    case 'last':
      return { kind, count: 100 }
    case 'offset':
      return { kind, offset: 0 }
    case 'time':
      return { kind, time: new Date(Date.now() - HOUR).toISOString() }
    default:
      return { kind }
  }
}

interface Props {
  from: From
  /** What stands in the address then. */
  onChange: (parameter: string | undefined) => void
}

/** Where to begin to look. */
export function FromFields({ from, onChange }: Props) {
  const set = (from: From) => onChange(toParameter(from))
  return (
    <>
      <Select
        label="Show"
        data={KINDS}
        value={from.kind}
        onChange={(kind) => set(fresh((kind ?? 'live') as From['kind']))}
        allowDeselect={false}
        w={180}
      />
      {from.kind === 'last' && (
        <NumberInput
          label="How many"
          value={from.count}
          onChange={(value) => Number(value) >= 1 && set({ kind: 'last', count: Number(value) })}
          min={1}
          max={500}
          allowDecimal={false}
          w={110}
        />
      )}
      {from.kind === 'offset' && (
        <NumberInput
          label="Offset"
          value={from.offset}
          onChange={(value) => value !== '' && set({ kind: 'offset', offset: Number(value) })}
          min={0}
          allowDecimal={false}
          w={150}
        />
      )}
      {from.kind === 'time' && (
        <TextInput
          label="Local time"
          type="datetime-local"
          step={1}
          value={local(from.time)}
          onChange={({ currentTarget: { value } }) =>
            value !== '' && set({ kind: 'time', time: new Date(value).toISOString() })
          }
          w={250}
        />
      )}
    </>
  )
}

/** As the browser's field wants it: without a zone, so in the person's own. */
function local(time: string): string {
  const date = new Date(time)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
