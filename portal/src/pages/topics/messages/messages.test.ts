import { expect, test } from 'vitest'
import type { Message } from '../../../api/schema'
import { bestLook, bytesOf, hexDump, json, preview } from './content'
import { fromParameter, toParameter } from './from'
import { KEPT, NOTHING_YET, next, type Step } from './live'

function message(offset: number): Message {
  return {
    partition: 0,
    offset,
    timestampType: 'CreateTime',
    key: null,
    value: null,
    headers: [],
    size: 0,
    headersLeftOut: 0,
  }
}

test('the newest stand first, and no more than a number of them', () => {
  const arrived = (...offsets: number[]): Step => ({
    kind: 'arrived',
    messages: offsets.map(message),
    skipped: 2,
    notes: [],
  })
  let live = next(NOTHING_YET, arrived(1, 2, 3))
  expect(live.messages?.map(({ offset }) => offset)).toEqual([3, 2, 1])
  live = next(live, arrived(4, 5))
  expect(live.messages?.map(({ offset }) => offset)).toEqual([5, 4, 3, 2, 1])
  expect(live.skipped).toBe(4)
  for (let at = 6; at < 3000; at += 100)
    live = next(live, arrived(...Array.from({ length: 100 }, (_, i) => at + i)))
  expect(live.messages?.length).toBe(KEPT)
  expect(live.messages?.[0]?.offset).toBe(3005)
  expect(next(live, { kind: 'begin' })).toBe(NOTHING_YET)
})

test('JSON is indented and its numbers are left alone', () => {
  expect(json('{"id":12345678901234567890,"a":[],"b":[1, 2],"c":{"d":"x, {y}\\""},"e":{}}')).toBe(
    `{
  "id": 12345678901234567890,
  "a": [],
  "b": [
    1,
    2
  ],
  "c": {
    "d": "x, {y}\\""
  },
  "e": {}
}`,
  )
  expect([json('42'), json('{"a":'), json('plain')]).toEqual([undefined, undefined, undefined])
})

test('bytes that are no text are looked at in hexadecimal', () => {
  const content = { base64: btoa(String.fromCharCode(0, 255, 65)) }
  expect([...bytesOf(content)]).toEqual([0, 255, 65])
  expect(bestLook(content)).toBe('hex')
  expect(preview(content)).toBe('00 ff 41')
  expect(hexDump(bytesOf({ text: 'Zoë, 0123456789' }))).toBe(
    '000000  5a 6f c3 ab 2c 20 30 31 32 33 34 35 36 37 38 39  Zo.., 0123456789',
  )
})

test('the place to begin at is in the address', () => {
  for (const text of ['beginning', '-100', 'offset:42', 'time:2026-11-26T12:00:00.000Z'])
    expect(toParameter(fromParameter(text))).toBe(text)
  expect(fromParameter(undefined)).toEqual({ kind: 'live' })
  expect(fromParameter('nonsense')).toEqual({ kind: 'live' })
})
