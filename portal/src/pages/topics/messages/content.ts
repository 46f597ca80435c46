import type { Content, Message } from '../../../api/schema'

/** Bytes of a message: text where they are UTF-8, else base64. */
export type Bytes = Partial<Content>

/** How bytes are looked at. */
export type Look = 'text' | 'json' | 'hex'

/** The bytes of a key, a value or a header. */
export function bytesOf(content: Bytes): Uint8Array {
  if (content.text !== undefined) return new TextEncoder().encode(content.text)
  return Uint8Array.from(atob(content.base64 ?? ''), (letter) => letter.charCodeAt(0))
}

/** How many bytes there are, whether or not all of them are here. */
export function sizeOf(content: Bytes): number {
  return content.size ?? bytesOf(content).length
}

/** The look that suits it best. */
export function bestLook(content: Bytes): Look {
  if (content.text === undefined) return 'hex'
  return json(content.text) === undefined ? 'text' : 'json'
}

const PREVIEW = 300

/** A line of it, for a list. */
export function preview(content: Bytes | null | undefined): string {
  if (content == null) return ''
  if (content.text !== undefined) return content.text.slice(0, PREVIEW).replace(/\s+/g, ' ')
  return Array.from(bytesOf(content).slice(0, 40), hex).join(' ')
}

/** Everything in a message that is text, for the filter. */
export function searchable({ key, value, headers }: Message): string {
  return [key?.text, value?.text, ...headers.flatMap(({ name, value }) => [name, value?.text])]
    .filter((text) => text !== undefined)
    .join('\n')
    .toLowerCase()
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

const PER_LINE = 16
/** A megabyte in hexadecimal would be five megabytes of text on the page. */
const HEX_SHOWN = 16_384

/** As hexdump prints it. */
export function hexDump(bytes: Uint8Array): string {
  const lines = []
  for (let at = 0; at < Math.min(bytes.length, HEX_SHOWN); at += PER_LINE) {
    const line = bytes.slice(at, at + PER_LINE)
    const text = Array.from(line, (byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
    ).join('')
    lines.push(`${at.toString(16).padStart(6, '0')}  ${Array.from(line, hex).join(' ').padEnd(47)}  ${text}`)
  }
  if (bytes.length > HEX_SHOWN) lines.push(`… and ${bytes.length - HEX_SHOWN} bytes more`)
  return lines.join('\n')
}

/** JSON with line breaks; nothing where it is none. Numbers stay as they are, also those that JavaScript would round. */
export function json(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  return indented(text)
}

/** Strings, brackets and commas, and the rest: what there is in JSON that is known to be right. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g

function indented(text: string): string {
  const tokens = text.match(TOKENS) ?? []
  let out = ''
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  tokens.forEach((token, index) => {
    if (token === '{' || token === '[') {
      depth++
      const empty = tokens[index + 1] === '}' || tokens[index + 1] === ']'
      out += empty ? token : token + line()
    } else if (token === '}' || token === ']') {
      depth--
      const empty = tokens[index - 1] === '{' || tokens[index - 1] === '['
      out += empty ? token : line() + token
    } else if (token === ',') out += token + line()
    else out += token === ':' ? ': ' : token
  })
  return out
}
