import { expect, test } from 'vitest'
import { ceiling, spread, stepsOf, sum } from './series'

const FROM = '2026-01-01T12:00:00Z'

test('steps without a point are zero, and what nobody can tell is nothing', () => {
  const steps = stepsOf(FROM, '2026-01-01T12:03:30Z', 60)
  expect(steps).toHaveLength(4)
  const point = { at: '2026-01-01T12:01:00Z', requests: 7, bytes: 0, refused: 0, connections: null }
  expect(spread([point], steps, ({ requests }) => requests)).toEqual([0, 7, 0, 0])
  expect(spread([point], steps, ({ connections }) => connections)).toEqual([0, null, 0, 0])
})

test('the axis ends at a round number', () => {
  expect([0, 3, 5, 17, 230, 1000, 8001].map(ceiling)).toEqual([4, 4, 6, 20, 400, 1000, 10_000])
})

test('lines are added step by step', () => {
  expect(
    sum([
      [1, null, null],
      [2, 3, null],
    ]),
  ).toEqual([3, 3, null])
})
