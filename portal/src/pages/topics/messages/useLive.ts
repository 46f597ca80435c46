import { useEffect, useReducer, useRef } from 'react'
import { cursorOf, fetchMessages, openLive, type Source } from '../../../api/messages'
import type { Message } from '../../../api/schema'
import { type Live, NOTHING_YET, next, type Step } from './live'

/** How many messages stand there at first. */
const FIRST = 50
/** The page is drawn anew at most this often, however many messages come. */
const DRAW_EVERY = 250

/** The newest messages of a topic as they come. Paused by `paused`, and while the tab is hidden; it goes on where it was. */
export function useLive(
  { workspaceId, topic, partition }: Source,
  paused: boolean,
): Live & { again: () => void } {
  const [live, step] = useReducer(next, NOTHING_YET)
  const [attempt, again] = useReducer((count: number) => count + 1, 0)
  /** Where to go on; nothing: at the beginning. */
  const cursor = useRef<string>(undefined)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew
  useEffect(() => {
    cursor.current = undefined
    step({ kind: 'begin' })
  }, [workspaceId, topic, partition, attempt])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew
  useEffect(() => {
    if (paused) return
    const source = { workspaceId, topic, partition }
    const arrived = new Arrived(step)
    const asking = new AbortController()
    let close: (() => string) | undefined
    const start = async () => {
      try {
        if (cursor.current === undefined) {
          const page = await fetchMessages(source, { from: `-${FIRST}` }, asking.signal)
          step({ kind: 'arrived', messages: page.messages, skipped: 0, notes: page.notes })
          cursor.current = cursorOf(page.next)
        }
        if (asking.signal.aborted || document.hidden || close !== undefined) return
        close = openLive(source, cursor.current, {
          onMessages: ({ messages, skipped, notes }) => arrived.add(messages, skipped, notes),
          onState: (state) => step({ kind: 'state', state }),
        })
      } catch (error) {
        if (!asking.signal.aborted) step({ kind: 'state', state: { kind: 'failed', error } })
      }
    }
    const stop = () => {
      if (close !== undefined) cursor.current = close()
      close = undefined
    }
    const onVisibility = () => (document.hidden ? stop() : void start())
    document.addEventListener('visibilitychange', onVisibility)
    if (!document.hidden) void start()
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      asking.abort()
      stop()
      arrived.end()
    }
  }, [workspaceId, topic, partition, paused, attempt])
  return { ...live, again }
}

/** What came since the page was drawn last. */
class Arrived {
  readonly #step: (step: Step) => void
  #messages: Message[] = []
  #notes = new Set<string>()
  #skipped = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(step: (step: Step) => void) {
    this.#step = step
  }

  add(messages: Message[], skipped: number, notes: string[]) {
    this.#messages.push(...messages)
    this.#skipped += skipped
    for (const note of notes) this.#notes.add(note)
    this.#timer ??= setTimeout(() => this.#draw(), DRAW_EVERY)
  }

  #draw() {
    this.#timer = undefined
    this.#step({
      kind: 'arrived',
      messages: this.#messages,
      skipped: this.#skipped,
      notes: [...this.#notes],
    })
    this.#messages = []
    this.#notes = new Set()
    this.#skipped = 0
  }

  end() {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#draw()
  }
}
