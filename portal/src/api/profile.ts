import { queryOptions, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { api, http } from './client'

/** Who is signed in. */
export function profileQuery() {
  return queryOptions({ ...api.queryOptions('get', '/profile', {}), staleTime: 60_000 })
}

/** Who is signed in; only below the shell, which has asked already. */
export function useProfile() {
  return useSuspenseQuery(profileQuery()).data
}

/** Ends the session. Nothing that it was shown stays in memory. */
export function useSignOut() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: () => http.POST('/auth/sign-out'),
    onSuccess: () => queryClient.clear(),
  })
}
