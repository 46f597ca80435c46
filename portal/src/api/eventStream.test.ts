import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openEventStream } from './eventStream'

/** jsdom has none: what a browser's does, as far as it is used. */
class Source extends EventTarget {
  static readonly CLOSED = 2
  static all: Source[] = []
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  constructor() {
    super()
    Source.all.push(this)
  }
  open() {
    this.readyState = 1
    this.onopen?.()
  }
  /** The browser connects again by itself, unless it was refused. */
  fail(refused: boolean) {
    this.readyState = refused ? 2 : 0
    this.onerror?.()
  }
  close() {
    this.readyState = 2
  }
}

const newest = () => Source.all.at(-1) as Source
const running = () => Source.all.filter((source) => source.readyState !== 2)
let hidden = false
const look = (at: boolean) => {
  hidden = !at
  document.dispatchEvent(new Event('visibilitychange'))
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', Source)
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden)
  Source.all = []
  hidden = false
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function open() {
  const told = { changed: vi.fn(), state: vi.fn() }
  const close = openEventStream('/x', { onChanged: told.changed, onState: told.state })
  return { ...told, close }
}

test('what changes is told, and what changed before it was open is asked', () => {
  const { changed, state, close } = open()
  newest().open()
  expect(changed).toHaveBeenLastCalledWith(undefined)
  expect(state).toHaveBeenLastCalledWith({ kind: 'live' })
  newest().dispatchEvent(new MessageEvent('changed', { data: '{"what":["usage"]}' }))
  expect(changed).toHaveBeenLastCalledWith(['usage'])
  newest().dispatchEvent(new MessageEvent('changed', { data: 'nonsense' }))
  expect(changed).toHaveBeenCalledTimes(2)
  close()
})

test('a short break is nothing to speak of; a long one is told, and meanwhile one asks', () => {
  const { changed, state, close } = open()
  newest().open()
  newest().fail(false)
  vi.advanceTimersByTime(2_000)
  newest().open()
  vi.advanceTimersByTime(10_000)
  expect(state).not.toHaveBeenCalledWith({ kind: 'interrupted' })
  newest().fail(false)
  changed.mockClear()
  vi.advanceTimersByTime(11_000)
  expect(state).toHaveBeenLastCalledWith({ kind: 'interrupted' })
  expect(changed).toHaveBeenCalledTimes(2)
  close()
})

test('what was refused is tried again after longer and longer pauses, one stream at a time', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const { close } = open()
  for (const pause of [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    const count = Source.all.length
    newest().fail(true)
    vi.advanceTimersByTime(pause - 1)
    expect(Source.all).toHaveLength(count)
    vi.advanceTimersByTime(1)
    expect(Source.all).toHaveLength(count + 1)
    expect(running()).toHaveLength(1)
  }
  close()
})

test('the end of the right is the end', () => {
  const { state, close } = open()
  newest().open()
  const end = { reason: 'rightEnded', message: 'You may not see it any more.', again: false }
  newest().dispatchEvent(new MessageEvent('end', { data: JSON.stringify(end) }))
  expect(state).toHaveBeenLastCalledWith({ kind: 'ended', message: end.message })
  look(false)
  look(true)
  vi.advanceTimersByTime(600_000)
  expect(running()).toHaveLength(0)
  close()
})

test('a page that nobody looks at gives its stream back, and catches up', () => {
  const { changed, close } = open()
  newest().open()
  look(false)
  vi.advanceTimersByTime(59_000)
  expect(running()).toHaveLength(1)
  vi.advanceTimersByTime(1_000)
  expect(running()).toHaveLength(0)
  changed.mockClear()
  vi.advanceTimersByTime(3_600_000)
  expect(changed).not.toHaveBeenCalled()
  look(true)
  newest().open()
  expect(changed).toHaveBeenCalledTimes(1)
  expect(running()).toHaveLength(1)
  close()
})

test('closed, nothing is left', () => {
  const { changed, close } = open()
  newest().fail(true)
  close()
  vi.advanceTimersByTime(3_600_000)
  look(true)
  expect(running()).toHaveLength(0)
  expect(changed).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})
