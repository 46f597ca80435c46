import { expect, signIn, test } from './fixtures'

test('b7 the audit log: filters in the address, a record with before and after, and the proof', async ({
  page,
  server,
}) => {
  await server.api('POST', '/workspaces/demo/tokens/rotate', { expectedGeneration: 0, reason: 'quarterly' })
  await server.api('PATCH', '/workspaces/demo/settings', { safeToRotateMinutes: 30 })
  await signIn(page, server)
  await page.goto(`${server.url}/portal/audit?action=token.rotated`)
  const rows = page.getByRole('row').filter({ hasText: /rotated/i })
  await expect(rows).toHaveCount(1)
  await rows.first().getByRole('link').first().click()
  const record = page.getByRole('dialog')
  await expect(record).toContainText('quarterly')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Verify now' }).click()
  await expect(page.getByText(/whole|intact|unchanged/i).first()).toBeVisible()
})
