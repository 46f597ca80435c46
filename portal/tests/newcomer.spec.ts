import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, signIn, test } from './fixtures'
import { python } from './server'

const run = promisify(execFile)

test('s4 s5 from the first start to a streamed message, by the portal alone', async ({
  page,
  server,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await signIn(page, server)

  await page.getByRole('button', { name: 'Create a workspace' }).click()
  const creation = page.getByRole('dialog')
  await creation.getByLabel('Name').fill('Acme orders')
  await expect(creation.getByLabel('Id', { exact: true })).toHaveValue('acme-orders')
  await creation.getByRole('button', { name: 'Create the workspace' }).click()
  await page.waitForURL(/\/acme-orders\/broker-settings$/)

  // Topics, then Broker settings: where people look for the token.
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Topics' }).click()
  await page.getByRole('button', { name: 'Create a topic' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('greetings')
  await dialog.getByRole('button', { name: /^Create/ }).click()
  await expect(page.getByRole('link', { name: 'greetings' })).toBeVisible()
  await page.getByRole('link', { name: 'Broker settings' }).click()

  // Nothing secret is in the page before it is asked for, and not again after it was hidden.
  const [current, next] = [
    await server.token('acme-orders', 'current'),
    await server.token('acme-orders', 'next'),
  ]
  await expect(page.getByRole('heading', { name: 'Token 1' })).toBeVisible()
  for (const token of [current, next]) expect(await page.content()).not.toContain(token)
  await page.getByRole('button', { name: 'Reveal Token 2' }).click()
  await expect(page.getByText(next)).toBeVisible()
  expect(await page.content()).not.toContain(current)
  await page.getByRole('button', { name: 'Hide Token 2' }).click()
  await expect(page.getByText(next)).toHaveCount(0)
  expect(await page.content()).not.toContain(next)

  await page.getByRole('tab', { name: 'Python', exact: true }).click()
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await expect(page.getByText('It is in the clipboard')).toBeVisible()
  const program = await page.evaluate(() => navigator.clipboard.readText())
  expect(await page.content()).not.toContain(current)
  const stored = await page.evaluate(() =>
    JSON.stringify([localStorage, sessionStorage, location.href, history.state]),
  )
  for (const token of [current, next]) expect(stored).not.toContain(token)

  // The page of the topic shows the message as it comes.
  await page.getByRole('link', { name: 'Topics', exact: true }).first().click()
  await page.getByRole('link', { name: 'greetings' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'greetings' })).toBeVisible()
  const file = join(mkdtempSync(join(tmpdir(), 'twinkey-snippet-')), 'hello.py')
  writeFileSync(file, program)
  const done = run(python(), [file], { timeout: 60_000 })
  await expect(page.getByText('Hello from Python').first()).toBeVisible()
  const { stdout } = await done
  expect(stdout).toContain('Hello from Python')
})
