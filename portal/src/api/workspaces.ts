import { api } from './client'

/** The workspaces that the user may see. */
export function useWorkspaces() {
  return api.useQuery('get', '/workspaces', {}, { staleTime: 30_000 })
}
