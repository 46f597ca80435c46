import { describe, expect, it } from 'vitest'
import { returnTo } from './returnTo'

describe('returnTo', () => {
  it.each([
    ['/workspaces/demo/topics?tab=messages#x', '/workspaces/demo/topics?tab=messages#x'],
    ['/portal/members', '/members'],
    ['/portalish', '/portalish'],
    ['/a/../members', '/members'],
  ])('goes to %s', (to, expected) => expect(returnTo(to)).toBe(expected))

  it.each([
    undefined,
    '',
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/portal//evil.example',
    '/x/..//evil.example',
    '/.//evil.example',
    'javascript:alert(1)',
    '\\\\evil.example',
    '/sign-in?to=/sign-in',
    '/',
  ])('goes home instead of to %s', (to) => expect(returnTo(to)).toBe('/workspaces'))
})
