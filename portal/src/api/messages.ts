import { useInfiniteQuery } from '@tanstack/react-query'
import { http } from './client'
import type { LiveMessages, Message, Messages, StreamEnd } from './schema'

/** Which messages of which topic. */
export interface Source {
  workspaceId: string
  topic: string
  /** Nothing: all. */
  partition: number | undefined
}

/** The most bytes of a value that the server gives. */
export const WHOLE = 1_048_576
const PAGE = 100
/** More pages than this are not kept: those at the beginning go. */
const PAGES = 10

interface PageQuery {
  from?: string
  at?: string
  limit?: number
  maxBytes?: number
}

/** One page of messages. */
export async function fetchMessages(
  { workspaceId, topic, partition }: Source,
  query: PageQuery,
  signal?: AbortSignal,
): Promise<Messages> {
  const { data } = await http.GET('/workspaces/{workspace_id}/topics/{name}/messages', {
    params: {
      path: { workspace_id: workspaceId, name: topic },
      query: { ...query, ...(partition !== undefined && { partition }) },
    },
    signal: signal ?? null,
  })
  if (data === undefined) throw new Error('The server answered without messages. Try it again.')
  return data
}

/** Where to go on, as the server wants it back: `0:123,1:456`. */
export function cursorOf(next: Messages['next']): string {
  return Object.entries(next)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(',')
}

/** Messages from a place on, page by page. Forgotten when nobody looks at them. */
export function useMessages(source: Source, from: string) {
  return useInfiniteQuery({
    queryKey: ['messages', source, from],
    queryFn: ({ pageParam, signal }) => fetchMessages(source, { ...pageParam, limit: PAGE }, signal),
    initialPageParam: { from } as PageQuery,
    getNextPageParam: ({ next }): PageQuery | undefined =>
      Object.keys(next).length === 0 ? undefined : { at: cursorOf(next) },
    getPreviousPageParam: () => undefined,
    maxPages: PAGES,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
}

/** One message with as much of it as the server gives. */
export async function fetchWhole(source: Source, { partition, offset }: Message): Promise<Message> {
  const query = { from: `offset:${offset}`, limit: 1, maxBytes: WHOLE }
  const { messages } = await fetchMessages({ ...source, partition }, query)
  const [found] = messages
  if (found?.offset !== offset)
    throw new Error('The message is not there any more: retention has deleted it.')
  return found
}

/** What a live stream tells. */
export interface LiveListener {
  onMessages: (messages: LiveMessages) => void
  /** It is open; it broke and is tried again; it has ended for good, and why. */
  onState: (state: { kind: 'live' } | { kind: 'interrupted' } | { kind: 'ended'; message: string }) => void
}

const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/**
 * Messages as they come, until the function that it answers with is called. That one answers where to go on. A browser goes on by
 * itself after a stream that broke, but not after one that was refused: that is done here, after longer and longer pauses.
 */
export function openLive(source: Source, at: string, { onMessages, onState }: LiveListener): () => string {
  let cursor = at
  let pause = FIRST_PAUSE
  let stream: EventSource | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  const connect = () => {
    const { workspaceId, topic, partition } = source
    const query = new URLSearchParams({
      at: cursor,
      ...(partition !== undefined && { partition: `${partition}` }),
    })
    const path = `/workspaces/${encodeURIComponent(workspaceId)}/topics/${encodeURIComponent(topic)}`
    const opened = new EventSource(`${path}/messages/live?${query}`)
    stream = opened
    opened.onopen = () => {
      pause = FIRST_PAUSE
      onState({ kind: 'live' })
    }
    opened.onerror = () => {
      if (opened.readyState !== EventSource.CLOSED) return
      onState({ kind: 'interrupted' })
      retry = setTimeout(connect, pause)
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
    opened.addEventListener('messages', (event) => {
      if (event.lastEventId !== '') cursor = event.lastEventId
      const messages = parse<LiveMessages>(event)
      if (messages) onMessages(messages)
    })
    opened.addEventListener('end', (event) => {
      const end = parse<StreamEnd>(event)
      if (end === undefined || end.again) return
      opened.close()
      onState({ kind: 'ended', message: end.message })
    })
  }
  connect()
  return () => {
    clearTimeout(retry)
    stream?.close()
    return cursor
  }
}

function parse<Body>(event: MessageEvent<string>): Body | undefined {
  try {
    return JSON.parse(event.data) as Body
  } catch {
    return undefined
  }
}
