import { type Query, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type LiveState, openEventStream } from './eventStream'
import type { What } from './schema'

/** Which questions have another answer when something has changed: parts of their paths. */
const ASKED: Record<What, string[]> = {
  tokens: ['/tokens', '/overview'],
  usage: ['/tokens/usage', '/overview'],
  topics: ['/topics', '/groups'],
  settings: ['/settings', '/overview', '/tokens/usage'],
  webhooks: ['/webhooks'],
  members: ['/members', '/invitations', '/overview'],
}
/** These look at what is going on by themselves, or cost too much to be asked each second. */
const BY_THEMSELVES = ['/messages', '/timeline']

/** Whether a question is about this workspace, and one of those that changed. */
export function isAsked(
  queryKey: readonly unknown[],
  workspaceId: string,
  what: What[] | undefined,
): boolean {
  const [, path, init] = queryKey
  if (typeof path !== 'string' || !path.startsWith('/') || workspaceOf(init) !== workspaceId) return false
  if (what === undefined) return !path.includes('/messages')
  const parts = what.flatMap((each) => ASKED[each] ?? [])
  // A rotation is marked on the time line, and is rare.
  const left = what.includes('tokens') ? ['/messages'] : BY_THEMSELVES
  return parts.some((part) => path.includes(part)) && !left.some((part) => path.endsWith(part))
}

function workspaceOf(init: unknown): string | undefined {
  const { params } = (init ?? {}) as { params?: { path?: Record<string, string> } }
  return params?.path?.workspace_id
}

/** Asks again for what changes in a workspace as it changes, as long as the component is mounted. Answers how that stands. */
export function useWorkspaceEvents(workspaceId: string): LiveState {
  const queryClient = useQueryClient()
  const [state, setState] = useState<LiveState>({ kind: 'connecting' })
  useEffect(() => {
    setState({ kind: 'connecting' })
    let later: ReturnType<typeof setTimeout> | undefined
    const ask = (what: What[] | undefined) => {
      const predicate = (query: Query) => isAsked(query.queryKey, workspaceId, what)
      // An answer that is on its way may be from before the change. It is not thrown away, or one that takes long would never
      // arrive where much happens; everything is asked once more a little later.
      if (queryClient.isFetching({ predicate }) > 0) later ??= setTimeout(askLater, 2_000)
      void queryClient.invalidateQueries({ predicate }, { cancelRefetch: false })
    }
    const askLater = () => {
      later = undefined
      ask(undefined)
    }
    const url = `/workspaces/${encodeURIComponent(workspaceId)}/events`
    const close = openEventStream(url, { onState: setState, onChanged: ask })
    return () => {
      clearTimeout(later)
      close()
    }
  }, [workspaceId, queryClient])
  return state
}
