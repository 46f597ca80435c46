import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cursorOf, type LiveListener, openLive } from './messages'

/** A stream of the browser, of which the test is the server. */
class Stream extends EventTarget {
  static readonly CLOSED = 2
  static opened: Stream[] = []
  readyState = 0
  onopen?: () => void
  onerror?: () => void

  readonly url: string

  constructor(url: string) {
    super()
    this.url = url
    Stream.opened.push(this)
  }

  close() {
    this.readyState = Stream.CLOSED
  }

  tell(name: string, data: unknown, lastEventId = '') {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }))
  }

  refuse() {
    this.close()
    this.onerror?.()
  }
}

const SOURCE = { workspaceId: 'demo', topic: 'a/b', partition: undefined }
const MESSAGES = { messages: [], skipped: 3, notes: [] }
const newest = () => Stream.opened.at(-1) as Stream
let told: unknown[]
let listener: LiveListener

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Stream)
  Stream.opened = []
  told = []
  listener = { onMessages: ({ skipped }) => told.push(skipped), onState: ({ kind }) => told.push(kind) }
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('it says where to go on when it is closed', () => {
  const close = openLive(SOURCE, '0:5', listener)
  expect(newest().url).toBe('/workspaces/demo/topics/a%2Fb/messages/live?at=0%3A5')
  newest().tell('messages', MESSAGES, '0:9')
  expect(told).toEqual([3])
  expect(close()).toBe('0:9')
  expect(newest().readyState).toBe(Stream.CLOSED)
})

test('a stream that was refused is tried again where it was, after longer and longer pauses', () => {
  const close = openLive({ ...SOURCE, partition: 2 }, '2:5', listener)
  newest().tell('messages', MESSAGES, '2:7')
  newest().refuse()
  vi.advanceTimersByTime(1000)
  expect(newest().url).toContain('at=2%3A7&partition=2')
  newest().refuse()
  vi.advanceTimersByTime(1000)
  expect(Stream.opened.length).toBe(2)
  vi.advanceTimersByTime(1000)
  expect(Stream.opened.length).toBe(3)
  expect(told).toEqual([3, 'interrupted', 'interrupted'])
  newest().refuse()
  close()
  vi.advanceTimersByTime(60_000)
  expect(Stream.opened.length).toBe(3)
})

test('an end for good is the end; another is left to the browser, which comes back', () => {
  openLive(SOURCE, '', listener)
  newest().tell('end', { reason: 'timeLimit', message: 'Time is up', again: true })
  expect(newest().readyState).not.toBe(Stream.CLOSED)
  newest().tell('end', { reason: 'gone', message: 'The topic was deleted', again: false })
  expect(newest().readyState).toBe(Stream.CLOSED)
  expect(told).toEqual(['ended'])
})

test('a cursor names every partition', () => expect(cursorOf({ 0: 12, 3: 7 })).toBe('0:12,3:7'))
