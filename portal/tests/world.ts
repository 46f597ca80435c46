import type { Server } from './server'

/** A workspace as it looks after a while of real use: topics, services on both tokens, a rotation, a webhook, people. */
export async function furnish(
  server: Server,
): Promise<{ workspace: string; topic: string; webhook: string }> {
  await server.api('POST', '/demo/topics', { name: 'orders', configuration: { partitions: 3 } })
  await server.api('POST', '/demo/topics', { name: 'payments', configuration: { cleanupPolicy: 'Compact' } })
  await server.api('POST', '/demo/topics', { name: 'changelog__billing--orders--totals' })
  const old = await server.token('demo', 'current')
  await server.api('POST', '/workspaces/demo/tokens/rotate', {
    expectedGeneration: 0,
    reason: 'quarterly rotation',
  })
  await server.ask('GET', '/workspaces', undefined, old)
  // Nobody listens there: the delivery log shows a failure.
  const hook = await server.api('POST', '/workspaces/demo/webhooks', {
    url: 'http://127.0.0.1:9/hooks/twinkey',
  })
  const [current, next] = [await server.token('demo', 'current'), await server.token('demo', 'next')]
  const writer = server.service('orders-writer', 'demo', current, 'produce', 'orders', '20')
  const reader = server.service('billing', 'demo', next, 'consume', 'orders')
  await server.person('Viewer')
  await server.person('Editor')
  await server.api('POST', '/organisations/current/invitations', {
    email: 'grace@example.org',
    role: 'Manager',
  })
  await server.api('POST', '/workspaces', { workspaceId: 'acme-staging', name: 'Acme staging' })
  await server.api('POST', '/profile/tokens', { name: 'ci', role: 'Editor', workspaceId: 'demo' })
  const deadline = Date.now() + 60_000
  while (!reader.output.includes('number')) {
    if (Date.now() > deadline) throw new Error(`nothing streams:\n${writer.output}\n${reader.output}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const { webhook } = hook as { webhook: { id: string } }
  return { workspace: 'demo', topic: 'orders', webhook: webhook.id }
}
