import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, http } from './client'
import { everyPage } from './everyPage'
import type { WorkspaceOverview } from './schema'

/** The workspaces that the user may see. */
export function useWorkspaces() {
  return api.useQuery('get', '/workspaces', {}, { staleTime: 30_000 })
}

const OVERVIEW = ['workspaces', 'overview'] as const

function overview(signal: AbortSignal): Promise<WorkspaceOverview[]> {
  return everyPage(async (limit, last?: WorkspaceOverview) => {
    const query = { limit, ...(last && { after: last.workspaceId }) }
    return (await http.GET('/workspaces/overview', { params: { query }, signal })).data
  })
}

/** All workspaces that the user may see, with role, generation and verdict; looked at again while the page is in sight. */
export function useWorkspacesOverview() {
  return useQuery({
    queryKey: OVERVIEW,
    queryFn: ({ signal }) => overview(signal),
    refetchInterval: ({ state }) => {
      // What comes and goes is waited for.
      const moving = state.data?.some((workspace) => workspace.status !== 'Ready')
      return moving ? 3_000 : 20_000
    },
  })
}

/** One workspace: name, state, the user's role, the verdict. */
export function workspaceQuery(workspaceId: string) {
  return queryOptions({
    ...api.queryOptions('get', '/workspaces/{workspace_id}/overview', {
      params: { path: { workspace_id: workspaceId } },
    }),
    staleTime: 15_000,
  })
}

/** One workspace: name, state, the user's role, the verdict. */
export function useWorkspace(workspaceId: string) {
  return useQuery(workspaceQuery(workspaceId))
}

/** The user's role in a workspace; nothing while it is on its way. */
export function useRole(workspaceId: string) {
  return useWorkspace(workspaceId).data?.role
}

/** After a change to the list: every answer that names workspaces is asked again. */
function useChanged() {
  const queryClient = useQueryClient()
  return () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: OVERVIEW }),
      queryClient.invalidateQueries({ queryKey: ['get', '/workspaces'] }),
      queryClient.invalidateQueries({ queryKey: ['get', '/workspaces/{workspace_id}/overview'] }),
    ])
}

/** Makes a workspace. */
export function useCreateWorkspace() {
  return api.useMutation('post', '/workspaces', { onSuccess: useChanged() })
}

/** Gives a workspace another name. */
export function useRenameWorkspace() {
  return api.useMutation('patch', '/workspaces/{workspace_id}', { onSuccess: useChanged() })
}

/** Deletes a workspace with everything in it; the answer says whether it is gone or what the rest waits for. */
export function useDeleteWorkspace() {
  return api.useMutation('delete', '/workspaces/{workspace_id}', { onSettled: useChanged() })
}

/** What ends with a workspace, counted; each count is missing where it could not be asked. */
export function useWhatEnds(workspaceId: string | undefined) {
  return useQuery({
    queryKey: ['workspaces', 'what-ends', workspaceId],
    enabled: workspaceId !== undefined,
    staleTime: 0,
    queryFn: async ({ signal }) => {
      const init = { params: { path: { workspace_id: workspaceId ?? '' } }, signal }
      const topics = http.GET('/{workspace_id}/topics', init).then(({ data }) => data?.length)
      const webhooks = http.GET('/workspaces/{workspace_id}/webhooks', init).then(({ data }) => data?.length)
      const [topicCount, webhookCount] = await Promise.allSettled([topics, webhooks])
      return {
        topics: topicCount.status === 'fulfilled' ? topicCount.value : undefined,
        webhooks: webhookCount.status === 'fulfilled' ? webhookCount.value : undefined,
      }
    },
  })
}
