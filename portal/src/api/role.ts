import type { Role } from './schema'

/** From the least to the most. */
export const ROLES: Role[] = ['None', 'Viewer', 'Editor', 'Manager', 'Admin']

/** Whether a role suffices. The server decides; this only says what to offer. */
export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** Why somebody with the role `own` may not do what `needed` may; nothing: he may. In the server's words. */
export function roleRefusal(own: Role, needed: Role): string | undefined {
  return isAtLeast(own, needed) ? undefined : `This needs the role ${needed}; yours is ${own}.`
}

/** What a role may do, in a line. */
export const ROLE_MEANING: Record<Role, string> = {
  None: 'sees nothing',
  Viewer: 'sees workspaces and topics, reads messages',
  Editor: 'also creates, changes and deletes topics, and reveals tokens',
  Manager: 'also invites people and makes workspaces',
  Admin: 'also rotates tokens, reads the audit log, changes settings',
}
