import { expect, test } from 'vitest'
import { read } from './difference'

test('before and after stand beside each other, other facts below', () => {
  const detail = {
    before: { token1: 'tk-a', settings: { undoMinutes: null } },
    after: { token1: 'tk-b', settings: { undoMinutes: 60 } },
    reason: 'leaked',
    forced: null,
    events: ['a', 'b'],
  }
  expect(read(JSON.stringify(detail))).toEqual({
    changes: [
      { field: 'token1', before: 'tk-a', after: 'tk-b' },
      { field: 'settings.undoMinutes', before: '–', after: '60' },
    ],
    facts: [
      { field: 'reason', after: 'leaked' },
      { field: 'events', after: 'a, b' },
    ],
  })
})

test('something made has no before, something deleted no after, and a role may stand there by itself', () => {
  expect(read('{"after":{"url":"x"}}')?.changes).toEqual([{ field: 'url', after: 'x' }])
  expect(read('{"before":null,"after":"Admin"}')?.changes).toEqual([
    { field: 'value', before: '–', after: 'Admin' },
  ])
  expect(read('{"before":{"name":"x"}}')?.changes).toEqual([{ field: 'name', before: 'x' }])
})

test('what is no object is left to be shown as it is', () => {
  expect(read('nonsense')).toBeUndefined()
  expect(read('[]')).toBeUndefined()
})
