import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A page, and the least role that sees its content; with less it says which role is needed. */
export interface PortalPage {
  name: string
  /** As in src/router.tsx. */
  route: string
  heading: RegExp
  role: 'anyone' | 'None' | 'Viewer' | 'Manager' | 'Admin'
}

const W = 'workspaces/$workspaceId'

/** Every page. Those of one workspace are looked at in the workspace `demo`, with the topic `orders`. */
export const PAGES: PortalPage[] = [
  { name: 'sign-in', route: 'sign-in', heading: /Sign in/, role: 'anyone' },
  { name: 'invitation', route: 'invitation', heading: /invitation/i, role: 'anyone' },
  { name: 'workspaces', route: 'workspaces', heading: /Workspaces/, role: 'None' },
  { name: 'topics', route: `${W}/topics`, heading: /Topics/, role: 'Viewer' },
  { name: 'topic', route: `${W}/topics/$topic`, heading: /orders/, role: 'Viewer' },
  { name: 'broker-settings', route: `${W}/broker-settings`, heading: /Broker settings/, role: 'Viewer' },
  { name: 'groups', route: `${W}/groups`, heading: /Consumer groups/, role: 'Viewer' },
  { name: 'usage', route: `${W}/usage`, heading: /Token usage/, role: 'Viewer' },
  { name: 'workspace-members', route: `${W}/members`, heading: /Members/, role: 'Manager' },
  { name: 'workspace-audit', route: `${W}/audit`, heading: /Audit/, role: 'Admin' },
  { name: 'settings', route: `${W}/settings`, heading: /Settings/, role: 'Viewer' },
  { name: 'webhook', route: `${W}/settings/webhooks/$webhookId`, heading: /Webhook/, role: 'Admin' },
  { name: 'people', route: 'members', heading: /People/, role: 'Manager' },
  { name: 'audit', route: 'audit', heading: /Audit/, role: 'Admin' },
  { name: 'system', route: 'system', heading: /System/, role: 'Admin' },
  { name: 'profile', route: 'profile', heading: /Profile/, role: 'None' },
]

/** The address of a page. */
export function address(
  page: PortalPage,
  names: { workspace: string; topic: string; webhook: string },
): string {
  const path = page.route
    .replace('$workspaceId', names.workspace)
    .replace('$topic', names.topic)
    .replace('$webhookId', names.webhook)
  return `/portal/${path}`
}

const ROUTER = join(dirname(fileURLToPath(import.meta.url)), '../src/router.tsx')

/** The routes that the router knows and that show something of their own, read from its source. */
export function routes(): string[] {
  const source = readFileSync(ROUTER, 'utf8')
  const declared = source.matchAll(/getParentRoute: \(\) => (\w+),\s+path: '([^']+)'/g)
  const redirects = ['/']
  return [...declared]
    .filter(([, , path]) => !redirects.includes(path as string))
    .map(([, parent, path]) => (parent === 'workspaceRoute' ? `${W}/${path}` : (path as string)))
    .filter((path) => path !== W)
}
