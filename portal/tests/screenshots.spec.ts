import { expect, signIn, test } from './fixtures'
import { address, PAGES } from './pages'
import { furnish } from './world'

const SIZES = [
  { name: '1440', width: 1440, height: 900 },
  { name: '390', width: 390, height: 844 },
]

for (const colorScheme of ['light', 'dark'] as const) {
  test(`screenshots of every page, ${colorScheme}`, async ({ page, server }) => {
    test.setTimeout(600_000)
    const names = await furnish(server)
    await page.emulateMedia({ colorScheme })
    const take = async (name: string) => {
      for (const { name: size, ...viewport } of SIZES) {
        await page.setViewportSize(viewport)
        await page.waitForTimeout(700)
        await page.screenshot({
          path: `screenshots/${name}-${size}-${colorScheme}.png`,
          fullPage: size === '390',
        })
      }
      await page.setViewportSize({ width: 1440, height: 900 })
    }
    for (const portalPage of PAGES.filter((it) => it.role === 'anyone')) {
      await page.goto(server.url + address(portalPage, names))
      await take(portalPage.name)
    }
    await signIn(page, server)
    for (const portalPage of PAGES.filter((it) => it.role !== 'anyone')) {
      await page.goto(server.url + address(portalPage, names))
      await expect(page.getByRole('heading', { level: 1, name: portalPage.heading })).toBeVisible()
      await take(portalPage.name)
    }
    await page.goto(`${server.url}/portal/workspaces/demo/broker-settings`)
    await page
      .getByRole('button', { name: /^Rotate/ })
      .first()
      .click()
    await expect(page.getByRole('dialog').getByRole('list', { name: 'Who uses Token 1' })).toBeVisible()
    await take('rotate')
  })
}
