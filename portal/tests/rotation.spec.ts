import { expect, signIn, test } from './fixtures'

/** What the library calls itself: the name of an unmodified Quix client is not its author's to choose. */
const CLIENT = 'confluent-kafka-python'

test('b1 b2 s8 s10 a rotation at noon: refused, made safe, done, and the old token is dead', async ({
  page,
  server,
}) => {
  test.setTimeout(240_000)
  await server.api('PATCH', '/workspaces/demo/settings', { safeToRotateMinutes: 1 })
  await server.api('POST', '/demo/topics', { name: 'orders' })
  const [old, next] = [await server.token('demo', 'current'), await server.token('demo', 'next')]
  const writer = server.service('orders-writer', 'demo', old, 'produce', 'orders')
  await signIn(page, server)
  await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)

  await page
    .getByRole('button', { name: /^Rotate/ })
    .first()
    .click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('Not safe to rotate yet')).toBeVisible()
  await expect(dialog.getByRole('list', { name: 'Who uses Token 1' })).toContainText(CLIENT)
  await expect(dialog.getByRole('button', { name: 'Rotate now' })).toBeDisabled()

  // The service is restarted with Token 2, and the list ticks itself off.
  writer.stop()
  const moved = server.service('orders-writer', 'demo', next, 'produce', 'orders')
  await expect(dialog.getByRole('list', { name: 'Who uses Token 1' })).toContainText('Moved to Token 2', {
    timeout: 60_000,
  })
  await expect(dialog.getByText('Safe to rotate', { exact: true })).toBeVisible({ timeout: 100_000 })

  await dialog.getByLabel('Reason').fill('the token was in a chat')
  await dialog.getByRole('button', { name: 'Rotate now' }).click()
  await expect(dialog.getByText(/The old token is dead/)).toBeVisible()
  await expect(dialog).toContainText(old.slice(-4))
  await dialog.getByRole('button', { name: 'Done' }).click()

  expect((await server.ask('GET', '/workspaces', undefined, old)).status).toBe(401)
  expect((await server.ask('GET', '/workspaces', undefined, next)).status).toBe(200)
  expect(await server.token('demo', 'current')).toBe(next)

  // Whoever tries the old token again is seen, with where from.
  await page.goto(`${server.url}/portal/workspaces/demo/usage`)
  await expect(page.getByRole('heading', { level: 1, name: /Token usage/ })).toBeVisible()
  await expect(page.getByText(/dead token/i).first()).toBeVisible()
  // Nobody who used Token 2 noticed anything.
  expect(moved.output).not.toMatch(/error|401|authentication/i)
})

test('b2 a forced rotation names what it breaks before it does', async ({ page, server }) => {
  await server.api('POST', '/demo/topics', { name: 'orders' })
  const old = await server.token('demo', 'current')
  const writer = server.service('orders-writer', 'demo', old, 'produce', 'orders')
  await signIn(page, server)
  await page.goto(`${server.url}/portal/workspaces/demo/usage`)
  await page
    .getByRole('button', { name: /^Rotate/ })
    .first()
    .click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByRole('list', { name: 'Who uses Token 1' })).toContainText(CLIENT)
  await expect(dialog.getByRole('button', { name: 'Rotate now' })).toBeDisabled()
  await dialog.getByLabel('Rotate anyway, although Token 1 is in use').check()
  await expect(dialog).toContainText('These stop at once')
  await dialog.getByRole('button', { name: 'Rotate anyway' }).click()
  await expect(dialog.getByText(/The old token is dead/)).toBeVisible()
  await expect(dialog).toContainText(CLIENT)
  expect((await server.ask('GET', '/workspaces', undefined, old)).status).toBe(401)
  await expect
    .poll(() => writer.output, { timeout: 30_000 })
    .toMatch(/authentication|SASL|closed|disconnected/i)
})

test('b6 an emergency rotation replaces both tokens', async ({ page, server }) => {
  const before = [await server.token('demo', 'current'), await server.token('demo', 'next')]
  await signIn(page, server)
  await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
  await page.getByRole('button', { name: 'Other ways to rotate' }).first().click()
  await page.getByRole('menuitem', { name: /Emergency rotation/ }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText('Both tokens die at once')).toBeVisible()
  await dialog.getByLabel('Reason').fill('laptop stolen')
  await dialog.getByLabel(/Type the workspace's id/).fill('demo')
  await dialog
    .getByRole('button', { name: /Replace|Rotate/ })
    .last()
    .click()
  await expect(dialog.getByText(/Both old tokens are dead/)).toBeVisible()
  for (const token of before)
    expect((await server.ask('GET', '/workspaces', undefined, token)).status).toBe(401)
})

test('s11 whoever is no Admin sees why he cannot rotate', async ({ page, server }) => {
  await signIn(page, server, await server.person('Manager'))
  await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
  const button = page.getByRole('button', { name: /^Rotate/ }).first()
  await expect(button).toBeVisible()
  await button.focus()
  await expect(page.getByRole('tooltip')).toContainText('Admin')
  await button.click({ force: true })
  await expect(page.getByRole('dialog')).toHaveCount(0)
})
