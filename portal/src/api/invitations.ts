import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { http } from './client'
import type { NewInvitation } from './schema'

/** So many are shown; older ones have expired long since. */
const SHOWN = 500

function key(workspaceId: string | undefined) {
  return ['invitations', workspaceId ?? ''] as const
}

/** The newest invitations into the organisation or into the one workspace, for those who may manage them. */
export function useInvitations(workspaceId: string | undefined, enabled: boolean) {
  return useQuery({
    queryKey: key(workspaceId),
    enabled,
    queryFn: async ({ signal }) => {
      const query = { limit: SHOWN }
      const answer =
        workspaceId === undefined
          ? await http.GET('/organisations/current/invitations', { params: { query }, signal })
          : await http.GET('/workspaces/{workspace_id}/invitations', {
              params: { query, path: { workspace_id: workspaceId } },
              signal,
            })
      return answer.data ?? []
    },
  })
}

/** Invites somebody. The link is in the answer, and kept nowhere but in the component that asked. */
export function useInvite(workspaceId: string | undefined) {
  const queryClient = useQueryClient()
  return useMutation({
    gcTime: 0,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: key(workspaceId) }),
    mutationFn: async (body: NewInvitation) => {
      const answer =
        workspaceId === undefined
          ? await http.POST('/organisations/current/invitations', { body })
          : await http.POST('/workspaces/{workspace_id}/invitations', {
              params: { path: { workspace_id: workspaceId } },
              body,
            })
      return answer.data
    },
  })
}

/** Takes an invitation back: its link works no more. */
export function useWithdraw(workspaceId: string | undefined) {
  const queryClient = useQueryClient()
  return useMutation({
    onSettled: () => queryClient.invalidateQueries({ queryKey: key(workspaceId) }),
    mutationFn: async (id: string) => {
      if (workspaceId === undefined)
        await http.DELETE('/organisations/current/invitations/{id}', { params: { path: { id } } })
      else
        await http.DELETE('/workspaces/{workspace_id}/invitations/{id}', {
          params: { path: { id, workspace_id: workspaceId } },
        })
    },
  })
}
