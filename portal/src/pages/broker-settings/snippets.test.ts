import { expect, test } from 'vitest'
import { pemIn } from '../../api/connection'
import { clientsNow } from './clients'
import { fill, masked, SNIPPETS } from './snippets'

const VALUES = {
  token: 'sdk-real',
  password: 'real-password',
  portalApi: 'https://twinkey.example',
  workspaceId: 'demo',
  topic: 'orders',
  broker: 'kafka:9092',
  protocol: 'SASL_SSL',
  mechanism: 'SCRAM-SHA-256',
  username: 'tk-1',
  ca: '-----BEGIN\n-----END\n',
}

test.each(SNIPPETS)('$label has a file, and no place stays open', ({ text }) => {
  expect(text.length).toBeGreaterThan(50)
  const filled = fill(text, VALUES)
  expect(filled).not.toMatch(/\{\{|\}\}/)
  expect(filled).toMatch(/sdk-real|real-password/)
})

test.each(SNIPPETS)('$label shows no secret before it is asked for', ({ text }) => {
  expect(fill(text, masked(VALUES, 'sdk-…abcd'))).not.toMatch(/sdk-real|real-password/)
})

test('what belongs to a value that there is not is left out', () => {
  const text = 'a\n{{#ca}}\nca={{ca}}\n{{/ca}}\nb\n'
  expect(fill(text, { ca: 'x\n' })).toBe('a\nca=x\nb\n')
  expect(fill(text, { ca: '' })).toBe('a\nb\n')
})

test('a value with a dollar sign is taken as it is', () => {
  expect(fill('{{topic}}', { topic: "$& $' $1" })).toBe("$& $' $1")
})

test('the certificate is found in the archive', () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
  const archive = new TextEncoder().encode(`PK\u0003\u0004ca.cert${pem}PK\u0001\u0002`)
  expect(pemIn(archive.buffer)).toBe(pem)
  expect(pemIn(new ArrayBuffer(4))).toBeUndefined()
})

test('a client counts as long as it is connected or was seen in the window', () => {
  const client = (name: string, openConnections: number, lastUsedAt: string | null) =>
    ({ name, openConnections, lastUsedAt }) as never
  const clients = [
    client('connected', 1, '2026-01-01T00:00:00Z'),
    client('lately', 0, '2026-01-02T11:50:00Z'),
    client('long ago', 0, '2026-01-02T11:00:00Z'),
    client('refused', 0, null),
  ]
  const now = clientsNow({ clients } as never, '2026-01-02T12:00:00Z', 15)
  expect(now.map(({ name }) => name)).toEqual(['connected', 'lately'])
})
