import type { AuditFilter } from '../../api/audit'

/** What the address of the page says. */
export interface AuditSearch {
  workspace?: string
  action?: string
  actor?: string
  target?: string
  since?: string
  until?: string
  record?: string
}

/** The question that belongs to an address. A time that is none is left out. */
export function filterOf(search: AuditSearch, workspaceId: string | undefined): AuditFilter {
  const { workspace, action, actor, target, since, until } = search
  const filter = {
    workspaceId: workspaceId ?? workspace,
    action,
    actor,
    target,
    from: instant(since),
    to: instant(until),
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value))
}

function instant(text: string | undefined): string | undefined {
  const at = new Date(text ?? '')
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** A time in the address, as a date field of the browser wants it: local, to the minute. */
export function toField(text: string | undefined): string {
  const at = new Date(text ?? '')
  if (Number.isNaN(at.getTime())) return ''
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** And back: what the field says, in UTC. */
export function fromField(value: string): string | undefined {
  return instant(value === '' ? undefined : value)
}
