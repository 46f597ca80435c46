import AxeBuilder from '@axe-core/playwright'
import { expect, signIn, test } from './fixtures'
import { address, PAGES, routes } from './pages'
import { furnish } from './world'

const ROLES = ['anyone', 'None', 'Viewer', 'Editor', 'Manager', 'Admin']

test('each route of the router has a row in the table of pages', () => {
  expect(PAGES.map((page) => page.route).sort()).toEqual(routes().sort())
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ page, server }) => {
    test.setTimeout(300_000)
    const names = await furnish(server)
    await page.emulateMedia({ colorScheme })
    const found: string[] = []
    const look = async (name: string) => {
      const result = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
        .analyze()
      for (const violation of result.violations) {
        for (const node of violation.nodes)
          found.push(`${name}: ${violation.id} at ${node.target.join(' ')}: ${node.html}`)
      }
    }
    for (const portalPage of PAGES.filter((it) => it.role === 'anyone')) {
      await page.goto(server.url + address(portalPage, names))
      await expect(page.getByRole('heading', { level: 1, name: portalPage.heading })).toBeVisible()
      await look(portalPage.name)
    }
    await signIn(page, server)
    for (const portalPage of PAGES.filter((it) => it.role !== 'anyone')) {
      await page.goto(server.url + address(portalPage, names))
      await expect(page.getByRole('heading', { level: 1, name: portalPage.heading })).toBeVisible()
      await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
      await look(portalPage.name)
    }
    expect(found).toEqual([])
  })
}

for (const role of ['Viewer', 'Editor', 'Manager', 'Admin'] as const) {
  test(`a ${role} finds each page, and none is a dead end`, async ({ page, server }) => {
    test.setTimeout(300_000)
    const names = await furnish(server)
    const email =
      role === 'Viewer' || role === 'Editor' ? `${role.toLowerCase()}@example.org` : await server.person(role)
    await signIn(page, server, email)
    for (const portalPage of PAGES.filter((it) => it.role !== 'anyone')) {
      await page.goto(server.url + address(portalPage, names))
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      await expect(page).toHaveTitle(/Twinkey/)
      const allowed = ROLES.indexOf(role) >= ROLES.indexOf(portalPage.role)
      if (allowed) {
        await expect(page.getByRole('heading', { level: 1, name: portalPage.heading })).toBeVisible()
        await expect(
          page.getByRole('alert').filter({ hasText: /could not be|role/ }),
          portalPage.name,
        ).toHaveCount(0)
      } else {
        // Who may not see it is told which role it takes, not left with an empty page.
        await expect(page.locator('main'), portalPage.name).toContainText(portalPage.role)
      }
      await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible()
    }
  })
}

test('pages fit a narrow screen', async ({ page, server }) => {
  test.setTimeout(300_000)
  const names = await furnish(server)
  await page.setViewportSize({ width: 390, height: 844 })
  await signIn(page, server)
  for (const portalPage of PAGES.filter((it) => it.role !== 'anyone')) {
    await page.goto(server.url + address(portalPage, names))
    await expect(page.getByRole('heading', { level: 1, name: portalPage.heading })).toBeVisible()
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(beyond, `${portalPage.name} is wider than the screen`).toBeLessThanOrEqual(0)
  }
})
