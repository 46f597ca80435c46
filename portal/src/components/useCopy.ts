import { useEffect, useRef, useState } from 'react'

const SHOWN_FOR = 1500

/** Copies a text, also where a browser has no clipboard for scripts: on plain http, except on this machine. */
export function useCopy() {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = async (text: string) => {
    const done = await write(text)
    setState(done ? 'copied' : 'failed')
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setState('ready'), done ? SHOWN_FOR : 4 * SHOWN_FOR)
  }
  return { copy, copied: state === 'copied', failed: state === 'failed' }
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return writeBySelection(text)
  }
}

function writeBySelection(text: string): boolean {
  const focused = document.activeElement
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  area.style.opacity = '0'
  // Within the dialog that is open, if there is one: it keeps the focus inside.
  const place = focused?.parentElement ?? document.body
  place.append(area)
  area.select()
  // Deprecated without a successor for this case.
  const done = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}
