import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, http } from './client'
import { ApiError } from './error'
import type { Rotated } from './schema'

/** What a rotation replaces: Token 1; both tokens; or the Token 2 that nobody has seen, by the former Token 1. */
export type RotationKind = 'normal' | 'emergency' | 'undo'

/** A rotation as it is asked for. Asked again with the same key it must be the same. */
export interface Order {
  expectedGeneration: number
  reason: string
  force: boolean
}

/** Rotations that were sent and not answered, so that the same request is found again when the page was left meanwhile. */
const unanswered = new Map<string, { key: string; order: Order; error: Error }>()

/** Whether it is not known if a rotation has happened: no answer, or none of Twinkey's own that says that nothing was changed. */
export function isOutcomeUnknown(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true
  return error.status >= 500 && ['OutcomeUnknown', 'Internal', ''].includes(error.code)
}

/** 32 random hexadecimal digits. Not `randomUUID`, which browsers refuse on plain http. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

async function send(
  workspaceId: string,
  kind: RotationKind,
  key: string,
  order: Order,
): Promise<Rotated | undefined> {
  const params = { path: { workspace_id: workspaceId }, header: { 'Idempotency-Key': key } }
  const { expectedGeneration, force } = order
  const reason = order.reason.trim()
  const why = reason === '' ? {} : { reason }
  switch (kind) {
    case 'normal': {
      const body = { expectedGeneration, force, ...why }
      return (await http.POST('/workspaces/{workspace_id}/tokens/rotate', { params, body })).data
    }
    case 'emergency': {
      const body = { expectedGeneration, reason }
      return (await http.POST('/workspaces/{workspace_id}/tokens/emergency-rotation', { params, body })).data
    }
    case 'undo': {
      const body = { expectedGeneration, ...why }
      return (await http.POST('/workspaces/{workspace_id}/tokens/undo-rotation', { params, body })).data
    }
  }
}

/**
 * One rotation, from the dialog to its answer. The key is made once, so that however often it is sent, it happens once. When no
 * answer came, the same request can be sent again and nothing else: its answer is that of the first one.
 */
export function useRotation(workspaceId: string, kind: RotationKind) {
  const queryClient = useQueryClient()
  const place = `${kind} ${workspaceId}`
  const [{ key, left }, setSent] = useState(() => {
    const left = unanswered.get(place)
    return { key: left?.key ?? freshKey(), left }
  })
  const mutation = useMutation({
    gcTime: 0,
    mutationFn: (order: Order) => send(workspaceId, kind, key, order),
    onError: (error, order) => {
      if (isOutcomeUnknown(error)) unanswered.set(place, { key, order, error })
      else unanswered.delete(place)
    },
    onSuccess: () => unanswered.delete(place),
    onSettled: () =>
      queryClient.invalidateQueries({
        predicate: ({ queryKey: [, path] }) =>
          typeof path === 'string' && (path.includes('/tokens') || path.includes('/overview')),
      }),
  })
  // Of now, or of before the page was left.
  const error = mutation.error ?? (mutation.isIdle ? left?.error : undefined)
  const isUnknown = error !== undefined && error !== null && isOutcomeUnknown(error)
  return {
    /** What the server answered. */
    rotated: mutation.data,
    /** Why not, if it is known that nothing was changed. */
    refusal: isUnknown ? undefined : (error ?? undefined),
    /** Why it is not known whether it happened. */
    unknown: isUnknown ? error : undefined,
    isPending: mutation.isPending,
    order: mutation.mutate,
    /** The same request with the same key. */
    askAgain: () => {
      const order = mutation.variables ?? left?.order
      if (order) mutation.mutate(order)
    },
    /** Ready for another rotation, with another key. */
    reset: () => {
      setSent({ key: freshKey(), left: undefined })
      mutation.reset()
    },
  }
}

/** One rotation, as the dialogs handle it. */
export type Rotation = ReturnType<typeof useRotation>

/** What an emergency rotation would break. */
export function useEmergencyPreview(workspaceId: string) {
  return api.useQuery(
    'get',
    '/workspaces/{workspace_id}/tokens/emergency-rotation',
    { params: { path: { workspace_id: workspaceId } } },
    { refetchInterval: 5_000, staleTime: 0 },
  )
}

/** Both tokens, masked, and what a broker may still serve of those that died; looked at again until that is nothing. */
export function useCuttingOff(workspaceId: string, enabled: boolean) {
  return api.useQuery(
    'get',
    '/workspaces/{workspace_id}/tokens',
    { params: { path: { workspace_id: workspaceId } } },
    { enabled, staleTime: 0, refetchInterval: 2_000, select: (pair) => pair.cuttingOff ?? [] },
  )
}
