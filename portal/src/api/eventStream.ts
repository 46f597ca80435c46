import type { Changed, StreamEnd, What } from './schema'

/** How it stands with the stream. */
export type LiveState =
  /** What changes is told at once. */
  | { kind: 'live' }
  /** It is being opened for the first time, or anew by plan. */
  | { kind: 'connecting' }
  /** It broke, and is tried again; meanwhile one has to ask. */
  | { kind: 'interrupted' }
  /** It has ended for good; the sentence says why. */
  | { kind: 'ended'; message: string }

interface Listener {
  /** Something has changed; nothing: anything may have, because nobody listened for a while. */
  onChanged: (what: What[] | undefined) => void
  onState: (state: LiveState) => void
}

/** A page that nobody has looked at for so long gives its stream back. */
const HIDDEN_FOR = 60_000
/** How often the server is asked while it does not tell. */
const ASK_EVERY = 5_000
/** A reconnection that takes no longer than this is nothing to speak of. */
const GRACE = 6_000
const FIRST_PAUSE = 2_000
const LONGEST_PAUSE = 60_000

/**
 * Keeps one stream of events open until it is closed by the function that it answers with. A browser reconnects by itself after
 * a stream that broke, but not after one that was refused: that is done here, after longer and longer pauses.
 */
export function openEventStream(url: string, { onChanged, onState }: Listener): () => void {
  let source: EventSource | undefined
  let pause = FIRST_PAUSE
  let closed = false
  const timers = new Timers()

  const state = (next: LiveState) => {
    if (next.kind === 'interrupted' || next.kind === 'connecting') {
      timers.each('ask', ASK_EVERY, () => {
        if (!document.hidden) onChanged(undefined)
      })
    } else {
      timers.stop('ask')
    }
    if (next.kind !== 'interrupted') timers.stop('grace')
    if (next.kind !== 'interrupted') onState(next)
    else timers.onceUnlessSet('grace', GRACE, () => onState(next))
  }

  const disconnect = () => {
    source?.close()
    source = undefined
    timers.stop('retry')
  }

  const connect = () => {
    disconnect()
    const opened = new EventSource(url)
    source = opened
    opened.onopen = () => {
      pause = FIRST_PAUSE
      state({ kind: 'live' })
      // What changed before is not told.
      onChanged(undefined)
    }
    opened.onerror = () => {
      state({ kind: 'interrupted' })
      if (opened.readyState !== EventSource.CLOSED) return
      // A little at random, so that a server that comes back is not asked by everybody at once.
      timers.once('retry', pause * (0.75 + Math.random() / 2), connect)
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
    opened.addEventListener('changed', (event) => {
      const changed = parse<Changed>(event)
      if (changed) onChanged(changed.what)
    })
    opened.addEventListener('end', (event) => {
      const end = parse<StreamEnd>(event)
      // The browser connects again by itself, at once.
      if (!end || end.again) return
      closed = true
      disconnect()
      state({ kind: 'ended', message: end.message })
      onChanged(undefined)
    })
  }

  const seen = () => {
    if (closed) return
    if (document.hidden) {
      timers.once('hidden', HIDDEN_FOR, () => {
        disconnect()
        timers.stopAll()
      })
      return
    }
    timers.stop('hidden')
    if (source === undefined) {
      state({ kind: 'connecting' })
      connect()
    }
  }

  document.addEventListener('visibilitychange', seen)
  seen()
  return () => {
    closed = true
    document.removeEventListener('visibilitychange', seen)
    disconnect()
    timers.stopAll()
  }
}

function parse<Body>(event: MessageEvent<string>): Body | undefined {
  try {
    return JSON.parse(event.data) as Body
  } catch {
    return undefined
  }
}

/** Timers by name, of which none outlives the stream. */
class Timers {
  readonly #running = new Map<string, () => void>()

  once(name: string, after: number, action: () => void) {
    this.stop(name)
    const id = setTimeout(() => {
      this.#running.delete(name)
      action()
    }, after)
    this.#running.set(name, () => clearTimeout(id))
  }

  onceUnlessSet(name: string, after: number, action: () => void) {
    if (!this.#running.has(name)) this.once(name, after, action)
  }

  each(name: string, every: number, action: () => void) {
    if (this.#running.has(name)) return
    const id = setInterval(action, every)
    this.#running.set(name, () => clearInterval(id))
  }

  stop(name: string) {
    this.#running.get(name)?.()
    this.#running.delete(name)
  }

  stopAll() {
    for (const name of [...this.#running.keys()]) this.stop(name)
  }
}
