import { useQueryClient } from '@tanstack/react-query'
import { api } from './client'

/** The installation: program, database, broker, replicas, keys, audit log, health. Looked at again while the page is in sight. */
export function useSystem(enabled: boolean) {
  return api.useQuery('get', '/system', {}, { enabled, refetchInterval: 10_000 })
}

function useChanged() {
  const queryClient = useQueryClient()
  return () => queryClient.invalidateQueries({ queryKey: ['get', '/system'] })
}

/** Compares database and broker now, and mends what differs. */
export function useReconcile() {
  return api.useMutation('post', '/broker/reconcile', { onSettled: useChanged() })
}

/** Deletes the names on the cluster that have no rights. */
export function usePrune() {
  return api.useMutation('post', '/broker/prune', { onSettled: useChanged() })
}

/** Ends the sessions and access tokens that still need the previous master key. */
export function useFinishKeys() {
  return api.useMutation('post', '/system/keys/finish', { onSettled: useChanged() })
}
