import { expect, test } from 'vitest'
import { isAsked } from './events'

const key = (path: string, workspace_id = 'demo') => ['get', path, { params: { path: { workspace_id } } }]
const USAGE = key('/workspaces/{workspace_id}/tokens/usage')
const TIMELINE = key('/workspaces/{workspace_id}/tokens/usage/timeline')
const MESSAGES = key('/workspaces/{workspace_id}/topics/{name}/messages')

test('what changed is asked again, and nothing else', () => {
  expect(isAsked(USAGE, 'demo', ['usage'])).toBe(true)
  expect(isAsked(USAGE, 'demo', ['topics', 'webhooks'])).toBe(false)
  expect(isAsked(key('/{workspace_id}/topics'), 'demo', ['topics'])).toBe(true)
  expect(
    isAsked(key('/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries'), 'demo', ['webhooks']),
  ).toBe(true)
})

test('another workspace, and what belongs to none, is left alone', () => {
  expect(isAsked(key('/workspaces/{workspace_id}/tokens/usage', 'other'), 'demo', ['usage'])).toBe(false)
  expect(isAsked(['audit', {}], 'demo', undefined)).toBe(false)
  expect(isAsked(['get', '/profile', {}], 'demo', undefined)).toBe(false)
})

test('the time line is not asked each second, but after a rotation; messages never', () => {
  expect(isAsked(TIMELINE, 'demo', ['usage'])).toBe(false)
  expect(isAsked(TIMELINE, 'demo', ['tokens'])).toBe(true)
  expect(isAsked(MESSAGES, 'demo', ['topics'])).toBe(false)
  expect(isAsked(MESSAGES, 'demo', undefined)).toBe(false)
})

test('nothing named: anything may have changed', () => {
  expect(isAsked(USAGE, 'demo', undefined)).toBe(true)
})
