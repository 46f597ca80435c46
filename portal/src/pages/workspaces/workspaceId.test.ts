import { describe, expect, it } from 'vitest'
import { suggestId, whyNot } from './workspaceId'

describe('suggestId', () => {
  it.each([
    ['Payments (EU)', 'payments-eu'],
    ['  Grüße – Straße 7 ', 'grusse-strasse-7'],
    ['日本', ''],
    [`${'x'.repeat(59)} y`, 'x'.repeat(59)],
  ])('of %s is %s', (name, id) => expect(suggestId(name)).toBe(id))
})

describe('whyNot', () => {
  const taken = ['acme', 'billing-dev']
  it.each(['demo', 'acme2', 'billing-dev2'])('lets %s pass', (id) =>
    expect(whyNot(id, taken)).toBeUndefined(),
  )
  it.each([
    ['Demo', 'lower-case'],
    ['a_b', 'hyphens'],
    ['-a', 'hyphens'],
    ['a--b', 'hyphens'],
    ['a'.repeat(61), 'At most 60'],
    ['acme', 'with this id'],
    ['acme-dev', '‘acme’'],
    ['billing', '‘billing-dev’'],
  ])('refuses %s', (id, part) => expect(whyNot(id, taken)).toContain(part))
})
