import { useSyncExternalStore } from 'react'

const TICK = 1000
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void) {
  listeners.add(listener)
  timer ??= setInterval(() => {
    // A page that nobody looks at need not be drawn again.
    if (document.hidden) return
    now = Date.now()
    for (const each of listeners) each()
  }, TICK)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The time, each second; one timer for the whole page. Milliseconds since 1970. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}
