import { useQueryClient } from '@tanstack/react-query'
import { api } from './client'

/** The settings of a workspace. */
export function useSettings(workspaceId: string) {
  return api.useQuery(
    'get',
    '/workspaces/{workspace_id}/settings',
    { params: { path: { workspace_id: workspaceId } } },
    { staleTime: 30_000 },
  )
}

/** Changes settings; what is not named stays. */
export function useChangeSettings() {
  const queryClient = useQueryClient()
  return api.useMutation('patch', '/workspaces/{workspace_id}/settings', {
    onSuccess: (settings, { params }) => {
      queryClient.setQueryData(
        ['get', '/workspaces/{workspace_id}/settings', { params: { path: params.path } }],
        settings,
      )
      // The verdict counts by the window.
      return queryClient.invalidateQueries({ queryKey: ['get', '/workspaces/{workspace_id}/tokens/usage'] })
    },
  })
}
