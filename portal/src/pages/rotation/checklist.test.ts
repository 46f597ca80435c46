import { expect, test } from 'vitest'
import type { TokenClient, TokenUsage } from '../../api/schema'
import { movers, safeAt } from './checklist'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString()

function client(name: string, lastUsedAt: string | null, openConnections = 0): TokenClient {
  const seen = { firstSeenAt: at(0), lastSeenAt: lastUsedAt ?? at(0), lastUsedAt }
  const rest = { via: 'broker', address: '10.0.3.7', agent: name, software: '', groups: [] } as const
  return { name, openConnections, requests: 1, bytes: 1, refused: 0, ...seen, ...rest, groups: [] }
}

function usage(token1: TokenClient[], token2: TokenClient[], now = at(30)): TokenUsage {
  const sums = { principal: '', openConnections: 0, requests: 0, bytes: 0, refused: 0 }
  const reasons = token1.map((each) => ({ because: [], client: each }))
  return {
    workspaceId: 'demo',
    generation: 3,
    at: now,
    safeToRotate: { safe: false, windowMinutes: 15, sentence: '', reasons, cannotSee: [] },
    tokens: [
      { id: 'tk-1', label: 'Token 1', masked: '', clients: token1, ...sums },
      { id: 'tk-2', label: 'Token 2', masked: '', clients: token2, ...sums },
    ],
  }
}

const steps = (of: TokenUsage) => movers(of).map(({ client: { name }, step }) => [name, step])

test('a client is ticked when it uses Token 2 and has nothing open with Token 1', () => {
  const moved = usage([client('orders', at(28)), client('billing', at(29), 2)], [client('orders', at(29))])
  expect(steps(moved)).toEqual([
    ['billing', 'onToken1'],
    ['orders', 'moved'],
  ])
})

test('an instance that was left behind keeps it from being ticked', () => {
  expect(steps(usage([client('orders', at(28), 1)], [client('orders', at(29))]))).toEqual([
    ['orders', 'onBoth'],
  ])
  expect(steps(usage([client('orders', at(29))], [client('orders', at(28))]))).toEqual([['orders', 'onBoth']])
})

test('who has not used Token 1 within the window need not move; who has moved stays in sight', () => {
  expect(steps(usage([client('old', at(10)), client('refused', null)], []))).toEqual([])
  expect(steps(usage([client('orders', at(10))], [client('orders', at(29))]))).toEqual([['orders', 'moved']])
})

test('the same name from another address is another client', () => {
  const elsewhere = { ...client('orders', at(29)), address: '10.0.3.8' }
  expect(steps(usage([client('orders', at(28))], [elsewhere]))).toEqual([['orders', 'onToken1']])
})

test('it is safe a window after the last use, and not while connections are open', () => {
  expect(safeAt(usage([client('a', at(20)), client('b', at(28))], []))?.toISOString()).toBe(at(43))
  expect(safeAt(usage([client('a', at(28), 1)], []))).toBeUndefined()
})
