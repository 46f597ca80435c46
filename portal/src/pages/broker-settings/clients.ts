import type { TokenClient, UsedToken } from '../../api/schema'

/** The clients of a token that count as using it: connected, or seen within the window, by the server's clock. */
export function clientsNow(usage: UsedToken, at: string, windowMinutes: number): TokenClient[] {
  const since = Date.parse(at) - windowMinutes * 60_000
  return usage.clients.filter(
    ({ openConnections, lastUsedAt }) =>
      openConnections > 0 || (lastUsedAt != null && Date.parse(lastUsedAt) >= since),
  )
}
