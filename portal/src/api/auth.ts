import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect } from 'react'
import { api, http } from './client'
import type { AcceptInvitation, LookAtInvitation, SignIn } from './schema'

/** How people can sign in here. */
export function useSignInMethods() {
  return api.useQuery('get', '/auth/methods', {}, { staleTime: Number.POSITIVE_INFINITY })
}

/** Signs in. The session is a cookie; the copy of it in the answer is not kept. */
export function useSignIn() {
  const queryClient = useQueryClient()
  return useMutation({
    gcTime: 0,
    mutationFn: async (body: SignIn) => {
      await http.POST('/auth/sign-in', { body })
    },
    // Another user may have been signed in before.
    onSuccess: () => queryClient.clear(),
  })
}

/** Proves once more who is signed in, for what needs a fresh proof. */
export function useConfirmPassword() {
  return api.useMutation('post', '/auth/confirm', { gcTime: 0 })
}

/** What an invitation is for. Not a query: the secret would be a key of the cache. */
export function useInvitation(secret: string | undefined) {
  const { mutate, ...look } = useMutation({
    gcTime: 0,
    mutationFn: async (body: LookAtInvitation) =>
      (await http.POST('/invitations/look', { body, credentials: 'omit' })).data,
  })
  const again = useCallback(() => secret !== undefined && mutate({ secret }), [secret, mutate])
  useEffect(() => {
    again()
  }, [again])
  return { ...look, again }
}

/** Accepts an invitation with the account that is signed in. */
export function useJoin() {
  const queryClient = useQueryClient()
  return useMutation({
    gcTime: 0,
    mutationFn: async (secret: string) => (await http.POST('/invitations/accept', { body: { secret } })).data,
    onSuccess: () => queryClient.clear(),
  })
}

/** Accepts an invitation with a new account, and signs in to it. */
export function useSignUp() {
  const queryClient = useQueryClient()
  return useMutation({
    gcTime: 0,
    mutationFn: async (body: AcceptInvitation & { password: string }) => {
      // Without the cookie: a session of before that has ended would be refused.
      const { data: invitation } = await http.POST('/invitations/accept', { body, credentials: 'omit' })
      const email = invitation?.user.email ?? ''
      const signIn = http.POST('/auth/sign-in', { body: { email, password: body.password } })
      const signedIn = await signIn.then(
        () => true,
        () => false,
      )
      return { invitation, signedIn }
    },
    onSuccess: () => queryClient.clear(),
  })
}
