import type { TopicsActivity } from '../../api/schema'

/** Rates are of the last seconds: steadier than of two answers that come right after each other. */
const WINDOW = 15_000

/** Adds an answer to those before, and forgets what is older than the window. */
export function withSample(samples: TopicsActivity[], newest: TopicsActivity): TopicsActivity[] {
  const since = Date.parse(newest.at) - WINDOW
  return [...samples.filter(({ at }) => Date.parse(at) >= since && at !== newest.at), newest]
}

/** Messages a second that were written to each topic, by its name; nothing where it cannot be told yet. */
export function ratesOf(samples: TopicsActivity[]): Map<string, number> {
  const [oldest, newest] = [samples[0], samples.at(-1)]
  if (oldest === undefined || newest === undefined || oldest === newest) return new Map()
  const seconds = (Date.parse(newest.at) - Date.parse(oldest.at)) / 1000
  if (seconds <= 0) return new Map()
  const ends = new Map(oldest.topics.map(({ name, endOffsets }) => [name, endOffsets]))
  return new Map(
    newest.topics.flatMap(({ name, endOffsets }) => {
      const before = ends.get(name)
      if (before == null || endOffsets == null) return []
      // A topic that was deleted and made again begins at 0.
      return [[name, Math.max(0, endOffsets - before) / seconds] as const]
    }),
  )
}
