import { api, http } from './client'
import type { LibrdkafkaConfig, Slot } from './schema'

function inWorkspace(workspaceId: string) {
  return { params: { path: { workspace_id: workspaceId } } }
}

/** Both tokens, without their values. */
export function useTokens(workspaceId: string) {
  return api.useQuery('get', '/workspaces/{workspace_id}/tokens', inWorkspace(workspaceId), {
    refetchInterval: 15_000,
  })
}

/** The value of a token. Not a query and not a mutation: nothing may keep it but the component that asked. */
export async function revealToken(workspaceId: string, slot: Slot): Promise<string> {
  const { data } = await http.POST('/workspaces/{workspace_id}/tokens/{slot}/reveal', {
    params: { path: { workspace_id: workspaceId, slot } },
  })
  if (data === undefined) throw new Error('The server answered without a token. Try it again.')
  return data.value
}

/** How a token's principal signs in on the broker, password included. Kept as little as the token's value. */
export async function revealConnection(workspaceId: string, slot: Slot): Promise<LibrdkafkaConfig> {
  const { data } = await http.GET('/workspaces/{workspace_id}/broker/librdkafka', {
    params: { path: { workspace_id: workspaceId }, query: { slot } },
  })
  if (data === undefined) throw new Error('The server answered without credentials. Try it again.')
  return data
}
