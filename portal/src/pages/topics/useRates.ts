import { useMemo, useState } from 'react'
import type { TopicsActivity } from '../../api/schema'
import { ratesOf, withSample } from './rates'

/** Messages a second of each topic, by name, from answers that come after each other. */
export function useRates(activity: TopicsActivity | undefined): Map<string, number> {
  const [samples, setSamples] = useState<TopicsActivity[]>([])
  if (activity !== undefined && samples.at(-1) !== activity) setSamples(withSample(samples, activity))
  return useMemo(() => ratesOf(samples), [samples])
}
