import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { api, http } from './client'
import type { AuditRecord } from './schema'

/** Which records. */
export interface AuditFilter {
  workspaceId?: string
  action?: string
  actor?: string
  target?: string
  /** RFC 3339. */
  from?: string
  to?: string
}

const PAGE = 200
/** The most records that are put together in the browser for an export; the whole log has a way of its own. */
export const EXPORT_MAX = 20_000

function given(filter: AuditFilter): AuditFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''))
}

async function records(filter: AuditFilter, limit: number, before?: number, signal?: AbortSignal) {
  const query = { ...given(filter), limit, ...(before !== undefined && { before }) }
  return (await http.GET('/audit', { params: { query }, ...(signal && { signal }) })).data ?? []
}

/** Records of the audit log, the newest first, page by page. */
export function useAudit(filter: AuditFilter, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: ['audit', given(filter)],
    enabled,
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam, signal }) => records(filter, PAGE, pageParam, signal),
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)?.sequence),
  })
}

/** One record by its number; records do not change. */
export function useAuditRecord(sequence: number | undefined, known: AuditRecord | undefined) {
  return useQuery({
    queryKey: ['audit', 'record', sequence],
    enabled: sequence !== undefined && known === undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const found = (await records({}, 1, (sequence ?? 0) + 1, signal)).at(0)
      return found?.sequence === sequence ? (found ?? null) : null
    },
  })
}

/** The records of a filter as JSON lines, the newest first, and whether that is all of them. */
export async function exportRecords(
  filter: AuditFilter,
): Promise<{ lines: string; count: number; whole: boolean }> {
  const all: AuditRecord[] = []
  while (all.length < EXPORT_MAX) {
    const page = await records(filter, 1000, all.at(-1)?.sequence)
    all.push(...page)
    if (page.length < 1000) return { lines: jsonLines(all), count: all.length, whole: true }
  }
  return { lines: jsonLines(all), count: all.length, whole: false }
}

function jsonLines(all: AuditRecord[]): string {
  return all.map((record) => `${JSON.stringify(record)}\n`).join('')
}

/** Verifies the whole log against its signed checkpoints. */
export function useVerifyAudit() {
  return api.useMutation('post', '/audit/verify')
}

/** The public keys that checkpoints are signed with. */
export function useAuditKeys() {
  return api.useQuery('get', '/audit/keys', {}, { staleTime: 60_000 })
}
