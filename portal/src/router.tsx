import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { isSignedOut } from './api/error'
import { profileQuery } from './api/profile'
import { NotFound } from './components/NotFound'
import { PageFailed } from './components/PageFailed'
import { takeReturn } from './pages/sign-in/returnTo'

/** What every route can reach. */
interface Context {
  queryClient: QueryClient
}

const root = createRootRouteWithContext<Context>()({ component: Outlet })

/** Text parameters of the query, so that links to a filtered list work. */
function texts<Name extends string>(...names: Name[]) {
  return (search: Record<string, unknown>): { [name in Name]?: string } =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = search[name]
        return value === undefined || value === '' || value === null ? [] : [[name, String(value)]]
      }),
    ) as { [name in Name]?: string }
}

export const signInRoute = createRoute({
  getParentRoute: () => root,
  path: 'sign-in',
  validateSearch: texts('to', 'refused'),
  component: lazyRouteComponent(() => import('./pages/SignIn'), 'SignIn'),
})

export const invitationRoute = createRoute({
  getParentRoute: () => root,
  path: 'invitation',
  component: lazyRouteComponent(() => import('./pages/AcceptInvitation'), 'AcceptInvitation'),
})

/** Everything behind the sign-in. */
const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(profileQuery())
    } catch (error) {
      if (isSignedOut(error)) throw redirect({ to: '/sign-in', search: { to: location.href } })
      throw error
    }
  },
  component: lazyRouteComponent(() => import('./layout/Shell'), 'Shell'),
})

const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    // The identity provider sends people here; where they wanted to go was noted before.
    throw redirect({ to: takeReturn(), replace: true })
  },
})

export const workspacesRoute = createRoute({
  getParentRoute: () => shell,
  path: 'workspaces',
  validateSearch: texts('filter', 'show'),
  component: lazyRouteComponent(() => import('./pages/workspaces/Workspaces'), 'Workspaces'),
})

export const workspaceRoute = createRoute({
  getParentRoute: () => shell,
  path: 'workspaces/$workspaceId',
  component: lazyRouteComponent(() => import('./layout/Workspace'), 'Workspace'),
})

const workspaceHome = createRoute({
  getParentRoute: () => workspaceRoute,
  path: '/',
  beforeLoad: ({ params }) => {
    throw redirect({ to: '/workspaces/$workspaceId/topics', params, replace: true })
  },
})

export const topicsRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'topics',
  validateSearch: texts('filter', 'internal'),
  component: lazyRouteComponent(() => import('./pages/topics/Topics'), 'Topics'),
})

export const brokerSettingsRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'broker-settings',
  validateSearch: texts('snippet'),
  component: lazyRouteComponent(() => import('./pages/broker-settings/BrokerSettings'), 'BrokerSettings'),
})

export const groupsRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'groups',
  validateSearch: texts('group'),
  component: lazyRouteComponent(() => import('./pages/topics/Groups'), 'Groups'),
})

export const topicRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'topics/$topic',
  validateSearch: texts('tab', 'from', 'partition'),
  component: lazyRouteComponent(() => import('./pages/topics/Topic'), 'Topic'),
})

export const usageRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'usage',
  validateSearch: texts('hours'),
  component: lazyRouteComponent(() => import('./pages/usage/Usage'), 'Usage'),
})

export const workspaceMembersRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'members',
  component: lazyRouteComponent(() => import('./pages/members/WorkspaceMembers'), 'WorkspaceMembers'),
})

const AUDIT_FILTERS = ['action', 'actor', 'target', 'since', 'until', 'record'] as const

export const workspaceAuditRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'audit',
  validateSearch: texts(...AUDIT_FILTERS),
  component: lazyRouteComponent(() => import('./pages/audit/Audit'), 'WorkspaceAudit'),
})

export const settingsRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'settings',
  component: lazyRouteComponent(() => import('./pages/settings/Settings'), 'Settings'),
})

export const webhookRoute = createRoute({
  getParentRoute: () => workspaceRoute,
  path: 'settings/webhooks/$webhookId',
  component: lazyRouteComponent(() => import('./pages/settings/Webhook'), 'Webhook'),
})

export const membersRoute = createRoute({
  getParentRoute: () => shell,
  path: 'members',
  component: lazyRouteComponent(() => import('./pages/members/Members'), 'Members'),
})

export const auditRoute = createRoute({
  getParentRoute: () => shell,
  path: 'audit',
  validateSearch: texts('workspace', ...AUDIT_FILTERS),
  component: lazyRouteComponent(() => import('./pages/audit/Audit'), 'OrganisationAudit'),
})

export const systemRoute = createRoute({
  getParentRoute: () => shell,
  path: 'system',
  component: lazyRouteComponent(() => import('./pages/system/System'), 'System'),
})

export const profileRoute = createRoute({
  getParentRoute: () => shell,
  path: 'profile',
  component: lazyRouteComponent(() => import('./pages/profile/Profile'), 'Profile'),
})

const tree = root.addChildren([
  signInRoute,
  invitationRoute,
  shell.addChildren([
    home,
    workspacesRoute,
    workspaceRoute.addChildren([
      workspaceHome,
      topicsRoute,
      topicRoute,
      brokerSettingsRoute,
      groupsRoute,
      usageRoute,
      workspaceMembersRoute,
      workspaceAuditRoute,
      settingsRoute,
      webhookRoute,
    ]),
    membersRoute,
    auditRoute,
    systemRoute,
    profileRoute,
  ]),
])

/** All pages, under `/portal/`. */
export function createPortalRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: '/portal',
    context: { queryClient },
    defaultPreload: 'intent',
    // Query parameters are texts; `?partition=0` stays readable and a hand-written link works.
    parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
    stringifySearch: (search) => {
      const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== '')
      const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
      return text === '' ? '' : `?${text}`
    },
    scrollRestoration: true,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: PageFailed,
  })
}

type PortalRouter = ReturnType<typeof createPortalRouter>

/**
 * The session has ended: the page is left as a whole, so that nothing stays in memory that was shown to it. The sign-in leads back
 * here.
 */
export function toSignIn(router: PortalRouter, queryClient: QueryClient) {
  const { pathname, href } = router.state.location
  if (pathname === '/sign-in' || pathname === '/invitation') return
  // Nobody was signed in: the route that has just asked leads to the sign-in by itself.
  if (queryClient.getQueryData(profileQuery().queryKey) === undefined) return
  window.location.assign(`/portal/sign-in?${new URLSearchParams({ to: href })}`)
}

declare module '@tanstack/react-router' {
  interface Register {
    router: PortalRouter
  }
}
