import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { http } from './client'
import { everyPage } from './everyPage'
import type { Member, Role, WorkspaceMember } from './schema'

const MEMBERS = ['members'] as const

/** Everybody in the organisation, for those who may manage them. */
export function useMembers(enabled: boolean) {
  return useQuery({
    queryKey: [...MEMBERS, 'organisation'],
    enabled,
    queryFn: ({ signal }) =>
      everyPage(async (limit, last?: Member) => {
        const query = { limit, ...(last && { after: last.email }) }
        return (await http.GET('/organisations/current/members', { params: { query }, signal })).data
      }),
  })
}

/** Everybody with access to a workspace or a role there, for those who may manage them. */
export function useWorkspaceMembers(workspaceId: string, enabled: boolean) {
  return useQuery({
    queryKey: [...MEMBERS, workspaceId],
    enabled,
    queryFn: ({ signal }) =>
      everyPage(async (limit, last?: WorkspaceMember) => {
        const params = {
          path: { workspace_id: workspaceId },
          query: { limit, ...(last && { after: last.email }) },
        }
        return (await http.GET('/workspaces/{workspace_id}/members', { params, signal })).data
      }),
  })
}

/** A role may be one's own, and then it changes what every page shows. */
function useChanged() {
  const queryClient = useQueryClient()
  return () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: MEMBERS }),
      queryClient.invalidateQueries({ queryKey: ['get', '/profile'] }),
      queryClient.invalidateQueries({ queryKey: ['workspaces', 'overview'] }),
      queryClient.invalidateQueries({ queryKey: ['get', '/workspaces/{workspace_id}/overview'] }),
    ])
}

/** Gives somebody a role: in the organisation, or in the one workspace. */
export function useGiveRole(workspaceId: string | undefined) {
  return useMutation({
    onSuccess: useChanged(),
    mutationFn: async ({ userId, role }: { userId: string; role: Role }) => {
      const body = { role }
      if (workspaceId === undefined) {
        const path = { user_id: userId }
        await http.PATCH('/organisations/current/members/{user_id}', { params: { path }, body })
      } else {
        const path = { user_id: userId, workspace_id: workspaceId }
        await http.PUT('/workspaces/{workspace_id}/members/{user_id}', { params: { path }, body })
      }
    },
  })
}

/** Removes an account, or takes the role that was given in the one workspace. */
export function useRemoveMember(workspaceId: string | undefined) {
  return useMutation({
    onSuccess: useChanged(),
    mutationFn: async (userId: string) => {
      if (workspaceId === undefined) {
        const path = { user_id: userId }
        await http.DELETE('/organisations/current/members/{user_id}', { params: { path } })
      } else {
        const path = { user_id: userId, workspace_id: workspaceId }
        await http.DELETE('/workspaces/{workspace_id}/members/{user_id}', { params: { path } })
      }
    },
  })
}
