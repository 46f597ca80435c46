import type { Role } from './schema'

/** From the least to the most. */
export const ROLES: Role[] = ['None', 'Viewer', 'Editor', 'Manager', 'Admin']

/** Whether a role suffices. The server decides; this only says what to offer. */
export function isAtLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** Why somebody with the role `own` may not do what `needed` may; nothing: he may. Nearly in the server's words. */
export function roleRefusal(own: Role, needed: Role, where?: string): string | undefined {
  if (isAtLeast(own, needed)) return undefined
  return `This needs the role ${needed}${where ? ` ${where}` : ''}; yours is ${own}.`
}

/** What a role may do, as a sentence that stands alone. */
export function roleSentence(role: Role): string {
  const meaning = ROLE_MEANING[role]
  const own = meaning.replace(/^also /, '')
  const lesser = ROLES[ROLES.indexOf(role) - 1]
  const rest = own === meaning ? '' : `, and does all that ${lesser === 'Editor' ? 'an' : 'a'} ${lesser} does`
  return `${own.charAt(0).toUpperCase()}${own.slice(1)}${rest}.`
}

/** What a role may do more than the one before, in a line. */
export const ROLE_MEANING: Record<Role, string> = {
  None: 'sees nothing',
  Viewer: 'sees workspaces and topics, reads messages',
  Editor: 'also creates, changes and deletes topics, and reveals tokens',
  Manager: 'also invites people and makes workspaces',
  Admin: 'also rotates tokens, reads the audit log, changes settings',
}
