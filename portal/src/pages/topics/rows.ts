import type { Topic, TopicActivity } from '../../api/schema'
import { isInternal } from './internal'

/** A topic as the list shows it. */
export interface TopicRow {
  topic: Topic
  internal: boolean
  /** Nothing while it is on its way, or where a topic is newer than the answer. */
  activity: TopicActivity | undefined
  rate: number | undefined
}

/** The rows of the list. */
export function rowsOf(
  topics: Topic[],
  activity: TopicActivity[] | undefined,
  rates: Map<string, number>,
): TopicRow[] {
  const byName = new Map(activity?.map((each) => [each.name, each]))
  return topics.map((topic) => ({
    topic,
    internal: isInternal(topic.name),
    activity: byName.get(topic.name),
    rate: rates.get(topic.name),
  }))
}

/** Those that are asked for: by a part of the name, with internal ones or without. */
export function shownRows(rows: TopicRow[], filter: string, internal: boolean): TopicRow[] {
  const wanted = filter.trim().toLowerCase()
  return rows.filter(
    (row) => (internal || !row.internal) && (wanted === '' || row.topic.name.toLowerCase().includes(wanted)),
  )
}
