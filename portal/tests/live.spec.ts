import { expect, signIn, test } from './fixtures'

test('a rotation elsewhere shows by itself, and so does that the server was away', async ({
  page,
  server,
}) => {
  await signIn(page, server)
  await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
  const masked = (await server.token('demo', 'next')).slice(-4)
  await expect(page.getByRole('region', { name: 'Token 2' })).toContainText(masked)
  await server.api('POST', '/workspaces/demo/tokens/rotate', { expectedGeneration: 0, force: true })
  await expect(page.getByRole('region', { name: 'Token 1' })).toContainText(masked)
  await server.restart(async () => {
    await expect(page.getByText(/Live updates are interrupted/)).toBeVisible()
  })
  await expect(page.getByText(/Live updates are interrupted/)).toHaveCount(0, { timeout: 60_000 })
})
