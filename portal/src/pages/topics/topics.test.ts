import { expect, test } from 'vitest'
import type { TopicActivity, TopicsActivity } from '../../api/schema'
import { isInternal } from './internal'
import { bytes, plural, rate } from './numbers'
import { ratesOf, withSample } from './rates'
import { duration, sizeParts, timeParts, whyNotTopic } from './settings'

test.each([
  'changelog__group--orders--default',
  'repartition__group--orders--key',
  'source__csv',
  '__consumer_offsets',
  'connect-offsets',
  'app-store-changelog',
])('%s is internal', (name) => expect(isInternal(name)).toBe(true))

test.each(['orders', 'my-changelog__x', 'source_data', 'connect-offsets-2'])('%s is not', (name) =>
  expect(isInternal(name)).toBe(false),
)

test('numbers are short', () => {
  expect([0, 999, 1000, 999_949, 999_950, 1_234_567_890].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1 kB',
    '1000 kB',
    '1 MB',
    '1.2 GB',
  ])
  expect([null, 0.05, 3.127, 5000].map(rate)).toEqual(['–', '0/s', '3.1/s', '5K/s'])
  expect([plural(1, 'group'), plural(1200, 'group')]).toEqual(['1 group', '1,200 groups'])
})

test('a retention is said in the largest whole unit', () => {
  expect([-1, 1, 90, 120, 1440, 10080].map(duration)).toEqual([
    'For ever',
    '1 minute',
    '90 minutes',
    '2 hours',
    '1 day',
    '7 days',
  ])
  expect(timeParts(2880)).toEqual({ value: 2, unit: 'days' })
  expect(sizeParts(52_428_800)).toEqual({ value: 52.4288, unit: 'MB' })
})

test('a name is judged while one types', () => {
  expect(whyNotTopic('or.de_rs-1', 'acme', [])).toBeUndefined()
  expect(whyNotTopic('in put', 'acme', [])).toContain('Only letters')
  expect(whyNotTopic('x'.repeat(245), 'acme', [])).toBe('It is too long by 1.')
  expect(whyNotTopic('orders', 'acme', ['orders'])).toContain('already')
})

test('a rate is that of the last seconds', () => {
  const sample = (seconds: number, endOffsets: number): TopicsActivity => ({
    at: new Date(seconds * 1000).toISOString(),
    topics: [{ name: 'orders', endOffsets } as TopicActivity],
    partial: [],
  })
  const samples = [sample(0, 0), sample(10, 100), sample(20, 600), sample(24, 840)].reduce(withSample, [])
  expect(samples.length).toBe(3)
  expect(ratesOf(samples).get('orders')).toBeCloseTo(740 / 14)
  expect(ratesOf([sample(0, 5)]).size).toBe(0)
  expect(ratesOf([sample(0, 500), sample(5, 0)]).get('orders')).toBe(0)
})
