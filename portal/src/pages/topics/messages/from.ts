/** Where one begins to look. */
export type From =
  | { kind: 'live' }
  | { kind: 'last'; count: number }
  | { kind: 'beginning' }
  | { kind: 'offset'; offset: number }
  | { kind: 'time'; time: string }

/** From the address, where it stands as the API has it; what is nonsense there is `live`. */
export function fromParameter(text: string | undefined): From {
  if (text === 'beginning') return { kind: 'beginning' }
  const last = text?.match(/^-(\d{1,6})$/)
  if (last) return { kind: 'last', count: Number(last[1]) }
  const offset = text?.match(/^offset:(\d{1,18})$/)
  if (offset) return { kind: 'offset', offset: Number(offset[1]) }
  const time = text?.match(/^time:(.+)$/)?.[1]
  if (time !== undefined && !Number.isNaN(Date.parse(time)))
    return { kind: 'time', time: new Date(time).toISOString() }
  return { kind: 'live' }
}

/** For the address; nothing for `live`. */
export function toParameter(from: From): string | undefined {
  switch (from.kind) {
    case 'live':
      return undefined
    case 'last':
      return `-${from.count}`
    case 'beginning':
      return 'beginning'
    case 'offset':
      return `offset:${from.offset}`
    case 'time':
      return `time:${from.time}`
  }
}
