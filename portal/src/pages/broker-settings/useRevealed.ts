import { useEffect, useRef, useState } from 'react'
import { useNow } from '../../components/useNow'

/** How long a secret stays on the page. */
const SHOWN_FOR = 60_000
/** How long the tab may be hidden before the secret goes, whatever time it had left. */
const HIDDEN_FOR = 10_000

interface Shown<Value> {
  value: Value
  until: number
}

/**
 * A secret that is on the page for a minute. It is in this state and nowhere else; it goes when its time is up, when the tab is
 * hidden for long, and with the component.
 */
export function useRevealed<Value>() {
  const [shown, setShown] = useState<Shown<Value>>()
  const hiding = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    if (shown === undefined) return
    const end = setTimeout(() => setShown(undefined), shown.until - Date.now())
    const onVisibility = () => {
      clearTimeout(hiding.current)
      if (document.hidden) hiding.current = setTimeout(() => setShown(undefined), HIDDEN_FOR)
    }
    document.addEventListener('visibilitychange', onVisibility)
    return () => {
      clearTimeout(end)
      clearTimeout(hiding.current)
      document.removeEventListener('visibilitychange', onVisibility)
    }
  }, [shown])
  return {
    value: shown?.value,
    until: shown?.until,
    show: (value: Value) => setShown({ value, until: Date.now() + SHOWN_FOR }),
    hide: () => setShown(undefined),
  }
}

/** The seconds that are left until a time. */
export function useSecondsLeft(until: number): number {
  return Math.max(0, Math.ceil((until - useNow()) / 1000))
}
