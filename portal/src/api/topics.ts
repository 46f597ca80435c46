import { api } from './client'

function inWorkspace(workspaceId: string) {
  return { params: { path: { workspace_id: workspaceId } } }
}

/** All topics of a workspace with their settings, internal ones included. */
export function useTopics(workspaceId: string) {
  return api.useQuery('get', '/{workspace_id}/topics', inWorkspace(workspaceId), { refetchInterval: 15_000 })
}
