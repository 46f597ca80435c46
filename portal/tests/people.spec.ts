import { ADMIN, expect, PASSWORD, signIn, test } from './fixtures'

test('an invitation: the link is shown once, makes an account, and works once', async ({
  page,
  server,
  browser,
}) => {
  await signIn(page, server)
  await page.getByRole('link', { name: 'People' }).click()
  await page
    .getByRole('button', { name: /^Invite/ })
    .first()
    .click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail address').fill('ada@example.org')
  await dialog.getByRole('button', { name: /^(Invite|Create|Make)/ }).click()
  const link = (await dialog.getByText(/\/portal\/invitation#inv-/).textContent()) ?? ''

  const guest = await (await browser.newContext()).newPage()
  await guest.goto(link)
  await expect(guest.getByText('invites ada@example.org into the organisation')).toBeVisible()
  expect(guest.url()).not.toContain('inv-')
  await guest.getByLabel('Your name').fill('Ada')
  await guest.getByLabel('Password', { exact: true }).fill('a long enough password')
  await guest.getByRole('button', { name: 'Create the account' }).click()
  await guest.waitForURL(/\/portal\/workspaces/)
  expect(guest.url()).not.toContain('inv-')

  const second = await (await browser.newContext()).newPage()
  await second.goto(link)
  await expect(second.getByRole('alert')).toContainText('accepted already')
  await expect(second.getByRole('link', { name: 'Sign in', exact: true })).toBeVisible()
})

test('a wrong password is told in place, and the way back after the sign-in is kept', async ({
  page,
  server,
}) => {
  await page.goto(`${server.url}/portal/workspaces/demo/usage`)
  await page.waitForURL(/sign-in/)
  await page.getByLabel('E-mail').fill(ADMIN)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await expect(page.getByRole('alert')).toBeVisible()
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(/\/demo\/usage$/)
})

test('a session that ended elsewhere leads to the sign-in, and nothing of it stays', async ({
  page,
  server,
}) => {
  await signIn(page, server)
  await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
  await page.evaluate(() => fetch('/auth/sign-out', { method: 'POST' }))
  // Nobody presses anything: the page notices by itself.
  await page.waitForURL(/sign-in/)
  await page.goBack()
  await page.waitForURL(/sign-in/)
})

test('whoever signs out is out, also by the way back', async ({ page, server }) => {
  await signIn(page, server)
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/sign-in$/)
  await page.goBack()
  await page.waitForURL(/sign-in/)
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
})

test('the reveal asks for the password again after a pause', async ({ browser }) => {
  const { Server } = await import('./server')
  const server = await Server.start('--confirm-password-after', '1')
  const page = await browser.newPage()
  try {
    await signIn(page, server)
    await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
    await new Promise((resolve) => setTimeout(resolve, 61_000))
    await page.getByRole('button', { name: 'Reveal Token 1' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.locator('input[name=password]').fill(PASSWORD)
    await dialog.getByRole('button').last().click()
    await expect(page.getByText(await server.token('demo', 'current'))).toBeVisible()
  } finally {
    await server.stop()
  }
})
