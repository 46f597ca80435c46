import '../mocks/browser'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { cleanup, render, screen, waitFor } from '@testing-library/react'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createQueryClient } from '../api/queryClient'
import { failing, madeUp } from '../mocks/handlers'
import { createPortalRouter } from '../router'
import { theme } from '../theme'

// Every page behind the sign-in in two states that a real server is hard to bring about: all answers are made up from the
// OpenAPI document, and all answers fail. What pages do with real answers is tested in a real browser, in ../../tests.

const PAGES = [
  'workspaces',
  'workspaces/demo/topics',
  'workspaces/demo/topics/orders',
  'workspaces/demo/broker-settings',
  'workspaces/demo/groups',
  'workspaces/demo/usage',
  'workspaces/demo/members',
  'workspaces/demo/audit',
  'workspaces/demo/settings',
  'workspaces/demo/settings/webhooks/w1',
  'members',
  'audit',
  'system',
  'profile',
]

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  cleanup()
  server.resetHandlers()
})
afterAll(() => server.close())

function open(path: string) {
  window.history.replaceState(null, '', `/portal/${path}`)
  const queryClient = createQueryClient(() => {})
  // A test need not wait for what a person waits for.
  queryClient.setDefaultOptions({ queries: { retry: false } })
  render(
    <MantineProvider theme={theme} env="test">
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={createPortalRouter(queryClient)} />
      </QueryClientProvider>
    </MantineProvider>,
  )
}

test.each(PAGES)(
  '%s says what failed and offers to try again',
  async (path) => {
    server.use(...failing())
    open(path)
    const alerts = await waitFor(() => screen.getAllByRole('alert'), { timeout: 15_000 })
    expect(alerts.map((alert) => alert.textContent).join()).toContain('The database does not answer')
    expect(screen.getAllByRole('button', { name: 'Try again' }).length).toBeGreaterThan(0)
  },
  20_000,
)

test.each(PAGES)(
  '%s takes whatever the document allows',
  async (path) => {
    server.use(...(await madeUp()))
    open(path)
    await waitFor(() => screen.getByRole('heading', { level: 1 }), { timeout: 15_000 })
    expect(screen.queryByText('This page could not be shown')).toBeNull()
  },
  20_000,
)
