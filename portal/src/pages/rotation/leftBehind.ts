import type { DeactivatedToken, TokenClient, TokenUsage } from '../../api/schema'
import { identity } from './checklist'

/** Who used the tokens that died, shortly before, and was not seen with a valid one since. */
export function leftBehind(usage: TokenUsage, dead: DeactivatedToken[]): TokenClient[] {
  const valid = usage.tokens.filter((token) => !token.deactivatedAt).flatMap((token) => token.clients)
  const seen = new Map(valid.map((client) => [identity(client), Date.parse(client.lastUsedAt ?? '')]))
  const window = usage.safeToRotate.windowMinutes * 60_000
  return dead.flatMap(({ id, deactivatedAt }) => {
    const died = Date.parse(deactivatedAt)
    const clients = usage.tokens.find((token) => token.id === id)?.clients ?? []
    return clients.filter((client) => {
      const used = Date.parse(client.lastUsedAt ?? '')
      return used > died - window && !((seen.get(identity(client)) ?? Number.NaN) > used)
    })
  })
}
