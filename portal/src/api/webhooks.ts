import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { api, http } from './client'

const LIST = '/workspaces/{workspace_id}/webhooks'
const ONE = '/workspaces/{workspace_id}/webhooks/{webhook_id}'
const DELIVERIES = `${ONE}/deliveries` as const
const PAGE = 100

/** The webhooks of a workspace, without their secrets. */
export function useWebhooks(workspaceId: string, enabled: boolean) {
  return api.useQuery('get', LIST, { params: { path: { workspace_id: workspaceId } } }, { enabled })
}

/** One webhook. */
export function useWebhook(workspaceId: string, webhookId: string, enabled: boolean) {
  const params = { path: { workspace_id: workspaceId, webhook_id: webhookId } }
  return api.useQuery('get', ONE, { params }, { enabled })
}

/** What was sent to a webhook, what waits and what failed, the newest first. */
export function useDeliveries(workspaceId: string, webhookId: string) {
  const path = { workspace_id: workspaceId, webhook_id: webhookId }
  return useInfiniteQuery({
    queryKey: ['get', DELIVERIES, { params: { path } }],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: PAGE, ...(pageParam !== undefined && { before: pageParam }) }
      return (await http.GET(DELIVERIES, { params: { path, query }, signal })).data ?? []
    },
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.id),
    // The first page is where things happen; older ones stay as they are. Something that waits is looked at again soon.
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.some((delivery) => delivery.state === 'pending'))
        ? 2_000
        : 15_000,
  })
}

function useChanged() {
  const queryClient = useQueryClient()
  return () =>
    queryClient.invalidateQueries({
      predicate: ({ queryKey: [, path] }) => typeof path === 'string' && path.startsWith(LIST),
    })
}

/** Makes a webhook. Its secret is in the answer and nowhere else. */
export function useCreateWebhook() {
  return api.useMutation('post', LIST, { gcTime: 0, onSuccess: useChanged() })
}

/** Changes where to, which events, or whether anything is sent. */
export function useChangeWebhook() {
  return api.useMutation('patch', ONE, { onSuccess: useChanged() })
}

/** Ends a webhook and what waits for it. */
export function useDeleteWebhook() {
  return api.useMutation('delete', ONE, { onSuccess: useChanged() })
}

/** Gives a webhook another secret, which is in the answer and nowhere else. */
export function useRotateSecret() {
  return api.useMutation('post', `${ONE}/rotate-secret`, { gcTime: 0, onSuccess: useChanged() })
}

/** Sends a test event. */
export function useTestWebhook() {
  return api.useMutation('post', `${ONE}/test`, { onSuccess: useChanged() })
}

/** Sends a delivery again. */
export function useRedeliver() {
  return api.useMutation('post', `${DELIVERIES}/{delivery_id}/redeliver`, { onSuccess: useChanged() })
}
