import { queryOptions, useMutation, useQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { api, http } from './client'
import type { NewPat } from './schema'

/** Who is signed in. */
export function profileQuery() {
  return queryOptions({ ...api.queryOptions('get', '/profile', {}), staleTime: 60_000 })
}

/** Who is signed in; only below the shell, which has asked already. */
export function useProfile() {
  return useSuspenseQuery(profileQuery()).data
}

/** Who is signed in, where perhaps nobody is. */
export function useProfileIfAny() {
  return useQuery(profileQuery())
}

/** Ends the session. Nothing that it was shown stays in memory. */
export function useSignOut() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => http.POST('/auth/sign-out'),
    onSuccess: () => queryClient.clear(),
  })
}

/** Changes the password; every other session ends. */
export function useChangePassword() {
  const queryClient = useQueryClient()
  return api.useMutation('post', '/profile/password', {
    gcTime: 0,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['get', '/profile/sessions'] }),
  })
}

/** The newest sessions of the user. */
export function useSessions() {
  return api.useQuery('get', '/profile/sessions', { params: { query: { limit: 200 } } })
}

/** Ends sessions of the user, one after the other. */
export function useEndSessions() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: async (ids: string[]) => {
      for (const id of ids) await http.DELETE('/profile/sessions/{id}', { params: { path: { id } } })
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['get', '/profile/sessions'] }),
  })
}

/** The newest personal access tokens of the user, without their values. */
export function usePats() {
  return api.useQuery('get', '/profile/tokens', { params: { query: { limit: 1000 } } })
}

/** Makes a personal access token. Its value is in the answer, so that is kept nowhere but in the component that asked. */
export function useCreatePat() {
  const queryClient = useQueryClient()
  return useMutation({
    gcTime: 0,
    mutationFn: async (body: NewPat) => (await http.POST('/profile/tokens', { body })).data,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['get', '/profile/tokens'] }),
  })
}

/** Ends a personal access token. */
export function useDeletePat() {
  const queryClient = useQueryClient()
  return api.useMutation('delete', '/profile/tokens/{id}', {
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['get', '/profile/tokens'] }),
  })
}
