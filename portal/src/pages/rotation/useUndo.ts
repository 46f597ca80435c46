import { useSettings } from '../../api/settings'
import { useUsageTimeline } from '../../api/usage'
import { useNow } from '../../components/useNow'

interface Undo {
  /** Until when the last rotation can be undone, if it can. */
  until: Date | undefined
  /** Why not, if it cannot. */
  because: string | null
}

/** Whether the last rotation can be undone. The server decides: it also knows whether somebody was shown the fresh Token 2. */
export function useUndo(workspaceId: string): Undo {
  const now = useNow()
  const minutes = useSettings(workspaceId).data?.undoMinutes
  const timeline = useUsageTimeline(workspaceId, 24, { enabled: Boolean(minutes) })
  const no = (because: string) => ({ until: undefined, because })
  if (!minutes) return no('It is switched off in the settings of this workspace.')
  const last = timeline.data?.rotations.at(-1)
  if (!last) return no('Nothing was rotated in the last 24 hours.')
  if (last.kind === 'emergency') return no('An emergency rotation cannot be undone.')
  if (last.kind === 'undo') return no('The last rotation was undone already.')
  const until = new Date(Date.parse(last.at) + minutes * 60_000)
  if (until.getTime() <= now) return no(`It was possible for ${minutes} minutes.`)
  return { until, because: null }
}
