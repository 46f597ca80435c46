import { test as base, type Page } from '@playwright/test'
import { ADMIN, PASSWORD, Server } from './server'

export { expect } from '@playwright/test'
export { ADMIN, PASSWORD, type Server } from './server'

interface Fixtures {
  /** A server of this test's own. */
  server: Server
  /** A page on which nothing may go wrong unnoticed: no error in the console, no request to another host. */
  page: Page
}

/** What the browser itself reports: requests that were refused, and a server that is away. Both are tested on purpose. */
const EXPECTED =
  /Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_CONNECTION_REFUSED|net::ERR_EMPTY_RESPONSE|net::ERR_INCOMPLETE_CHUNKED_ENCODING)/

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's form
  server: async ({}, use) => {
    const server = await Server.start('--webhook-allow-private')
    await use(server)
    await server.stop()
  },
  page: async ({ page, server }, use) => {
    const wrong: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) wrong.push(message.text())
    })
    page.on('pageerror', (error) => wrong.push(String(error)))
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url())
      if (protocol.startsWith('http') && host !== new URL(server.url).host)
        wrong.push(`a request to ${request.url()}`)
    })
    await use(page)
    base.expect(wrong, 'errors of the page').toEqual([])
  },
})

/** Signs in by the form, as a person does. */
export async function signIn(page: Page, server: Server, email = ADMIN, password = PASSWORD): Promise<void> {
  await page.goto(`${server.url}/portal/sign-in`)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(/\/portal\/workspaces/)
}
