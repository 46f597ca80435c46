import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import { api } from './client'

/** Who uses which token, and whether Token 1 may be rotated away. */
export function usageQuery(workspaceId: string) {
  return queryOptions(
    api.queryOptions('get', '/workspaces/{workspace_id}/tokens/usage', {
      params: { path: { workspace_id: workspaceId } },
    }),
  )
}

/**
 * Who uses which token, and whether Token 1 may be rotated away. Changes are told by the workspace's events; where one decides by
 * it, it is also asked again `every` so many milliseconds, because Apache Kafka tells nobody when a member comes or goes.
 */
export function useTokenUsage(
  workspaceId: string,
  { every, enabled }: { every?: number; enabled?: boolean } = {},
) {
  return useQuery({ ...usageQuery(workspaceId), refetchInterval: every ?? 30_000, enabled: enabled ?? true })
}

/** The use of the tokens over the last hours, and the rotations in them. */
export function useUsageTimeline(
  workspaceId: string,
  hours: number,
  { enabled }: { enabled?: boolean } = {},
) {
  return api.useQuery(
    'get',
    '/workspaces/{workspace_id}/tokens/usage/timeline',
    { params: { path: { workspace_id: workspaceId }, query: { hours } } },
    {
      refetchInterval: hours <= 6 ? 15_000 : 60_000,
      placeholderData: keepPreviousData,
      enabled: enabled ?? true,
    },
  )
}
