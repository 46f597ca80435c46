import { act, renderHook } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useRevealed } from './useRevealed'

let hidden = false

beforeEach(() => {
  hidden = false
  vi.useFakeTimers()
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden)
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function look(now: boolean) {
  hidden = !now
  document.dispatchEvent(new Event('visibilitychange'))
}

function revealed() {
  const { result, unmount } = renderHook(() => useRevealed<string>())
  act(() => result.current.show('sdk-real'))
  return { value: () => result.current.value, hide: () => result.current.hide(), unmount }
}

const pass = (seconds: number) => act(() => vi.advanceTimersByTime(seconds * 1000))

test('a secret goes after a minute', () => {
  const { value } = revealed()
  pass(59)
  expect(value()).toBe('sdk-real')
  pass(2)
  expect(value()).toBeUndefined()
})

test('it goes at once when it is asked to', () => {
  const { value, hide } = revealed()
  act(hide)
  expect(value()).toBeUndefined()
})

test('it goes when nobody has looked at the tab for a while, and stays when one was away for a moment', () => {
  const { value } = revealed()
  act(() => look(false))
  pass(5)
  act(() => look(true))
  pass(20)
  expect(value()).toBe('sdk-real')
  act(() => look(false))
  pass(11)
  expect(value()).toBeUndefined()
})

test('nothing is left behind when the page is left', () => {
  const { unmount } = revealed()
  act(() => look(false))
  unmount()
  expect(vi.getTimerCount()).toBe(0)
})
