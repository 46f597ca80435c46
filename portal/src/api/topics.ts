import { useQueryClient } from '@tanstack/react-query'
import { api } from './client'

/** From here on the broker is asked less often what is in them. */
const MANY = 2_000

function inWorkspace(workspaceId: string) {
  return { params: { path: { workspace_id: workspaceId } } }
}

function ofTopic(workspaceId: string, name: string) {
  return { params: { path: { workspace_id: workspaceId, name } } }
}

/** All topics of a workspace with their settings, internal ones included. The workspace's events tell when they change. */
export function useTopics(workspaceId: string) {
  return api.useQuery('get', '/{workspace_id}/topics', inWorkspace(workspaceId), { refetchInterval: 60_000 })
}

/** One topic with its settings. */
export function useTopic(workspaceId: string, name: string) {
  return api.useQuery('get', '/{workspace_id}/topics/{name}', ofTopic(workspaceId, name), {
    refetchInterval: 60_000,
  })
}

/** How much is in each topic, and how far its groups lag; asked again while the page is in sight. */
export function useTopicsActivity(workspaceId: string) {
  return api.useQuery('get', '/workspaces/{workspace_id}/topics/activity', inWorkspace(workspaceId), {
    refetchInterval: ({ state }) => ((state.data?.topics.length ?? 0) > MANY ? 15_000 : 5_000),
  })
}

/** First and last offset, size and leader of each partition. */
export function usePartitions(workspaceId: string, name: string) {
  return api.useQuery(
    'get',
    '/workspaces/{workspace_id}/topics/{name}/partitions',
    ofTopic(workspaceId, name),
    { refetchInterval: 3_000 },
  )
}

/** After a change: everything that shows topics or groups of the workspace is asked again. */
function useChanged(workspaceId: string) {
  const queryClient = useQueryClient()
  return () =>
    queryClient.invalidateQueries({
      predicate: ({ queryKey: [, path, init] }) =>
        typeof path === 'string' &&
        /\/(topics|groups)/.test(path) &&
        JSON.stringify(init).includes(JSON.stringify(workspaceId)),
    })
}

/** Creates a topic. */
export function useCreateTopic(workspaceId: string) {
  return api.useMutation('post', '/{workspace_id}/topics', { onSuccess: useChanged(workspaceId) })
}

/** Changes a topic's settings. */
export function useChangeTopic(workspaceId: string) {
  return api.useMutation('patch', '/{workspace_id}/topics/{name}', { onSuccess: useChanged(workspaceId) })
}

/** Deletes all messages of a topic. */
export function useCleanTopic(workspaceId: string) {
  return api.useMutation('post', '/{workspace_id}/topics/{name}/clean', {
    onSettled: useChanged(workspaceId),
  })
}

/** Deletes a topic. */
export function useDeleteTopic(workspaceId: string) {
  return api.useMutation('delete', '/{workspace_id}/topics/{name}', { onSettled: useChanged(workspaceId) })
}

/** Consumer groups: members, and how far they have come; with a topic, only those that read it. */
export function useGroups(workspaceId: string, topic?: string) {
  const init = {
    params: { path: { workspace_id: workspaceId }, ...(topic !== undefined && { query: { topic } }) },
  }
  return api.useQuery('get', '/workspaces/{workspace_id}/groups', init, { refetchInterval: 5_000 })
}

/** Deletes a group that nobody is in, with the offsets that it has committed. */
export function useDeleteGroup(workspaceId: string) {
  return api.useMutation('delete', '/workspaces/{workspace_id}/groups/{id}', {
    onSettled: useChanged(workspaceId),
  })
}
