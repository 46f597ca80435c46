import type { TokenClient, TokenUsage, UsedToken } from '../../api/schema'

/** Where a client stands on its way from Token 1 to Token 2. */
export type Step =
  /** It was only seen with Token 1. */
  | 'onToken1'
  /** It uses both: an instance was left behind, or is still shutting down. */
  | 'onBoth'
  /** It uses Token 2 and has nothing open with Token 1 any more. */
  | 'moved'

/** A client that used Token 1 lately. */
export interface Mover {
  key: string
  client: TokenClient
  step: Step
  /** When it was last seen with Token 2. */
  movedAt: string | null
  /** What is counted as open: on Apache Kafka nobody can tell connections, only members of consumer groups. */
  open: 'connection' | 'group member'
}

/** Clients that have moved stay on the list for so long, so that one sees them ticked. */
const REMEMBERED = 24 * 3_600_000

/** The valid token with this label. */
export function tokenOf(usage: TokenUsage, label: 'Token 1' | 'Token 2'): UsedToken | undefined {
  return usage.tokens.find((token) => token.label === label)
}

/** One client by what can be told of it: how it comes, from where, and what it calls itself. */
export function identity({ via, address, name }: TokenClient): string {
  return `${via} ${address} ${name}`
}

/** Everybody who has to move from Token 1 to Token 2, or has: those who have not come first. */
export function movers(usage: TokenUsage): Mover[] {
  const [token1, token2] = [tokenOf(usage, 'Token 1'), tokenOf(usage, 'Token 2')]
  const onToken2 = new Map(token2?.clients.map((client) => [identity(client), client.lastUsedAt]))
  const now = Date.parse(usage.at)
  const window = usage.safeToRotate.windowMinutes * 60_000
  const open = token1?.openConnections == null ? 'group member' : 'connection'
  const all = [...(token1?.clients ?? []), ...(token1?.others ? [token1.others] : [])]
  return all
    .flatMap((client): Mover[] => {
      if (!client.lastUsedAt) return []
      const movedAt = onToken2.get(identity(client)) ?? null
      const step = stepOf(client, movedAt)
      const age = now - Date.parse(client.lastUsedAt)
      const isListed = client.openConnections > 0 || age < (step === 'moved' ? REMEMBERED : window)
      return isListed ? [{ key: identity(client), client, step, movedAt, open }] : []
    })
    .toSorted((left, right) => Number(left.step === 'moved') - Number(right.step === 'moved'))
}

function stepOf({ openConnections, lastUsedAt }: TokenClient, movedAt: string | null): Step {
  if (movedAt === null) return 'onToken1'
  const isLater = Date.parse(movedAt) > Date.parse(lastUsedAt ?? '')
  return openConnections === 0 && isLater ? 'moved' : 'onBoth'
}

/** When Token 1 will be safe to rotate if nobody uses it from now on; nothing while connections are open. */
export function safeAt(usage: TokenUsage): Date | undefined {
  const { reasons, windowMinutes } = usage.safeToRotate
  if (reasons.length === 0 || reasons.some(({ client }) => client.openConnections > 0)) return undefined
  const last = Math.max(...reasons.map(({ client }) => Date.parse(client.lastUsedAt ?? '') || 0))
  return new Date(last + windowMinutes * 60_000)
}
