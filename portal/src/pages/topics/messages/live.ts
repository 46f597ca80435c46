import type { Message } from '../../../api/schema'

/** How it stands with the stream. */
export type StreamState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'interrupted' }
  | { kind: 'ended'; message: string }
  | { kind: 'failed'; error: unknown }

/** What the page shows of a topic that is looked at live. */
export interface Live {
  state: StreamState
  /** The newest first. Nothing: they are on their way. */
  messages: Message[] | undefined
  /** How many the server left out, because more came than a person can follow. */
  skipped: number
  notes: string[]
}

/** What changes it. */
export type Step =
  | { kind: 'begin' }
  | { kind: 'arrived'; messages: Message[]; skipped: number; notes: string[] }
  | { kind: 'state'; state: StreamState }

/** Before anything was said. */
export const NOTHING_YET: Live = { state: { kind: 'connecting' }, messages: undefined, skipped: 0, notes: [] }

/** So many messages are kept, however long the page is open. */
export const KEPT = 500
const NOTES_KEPT = 3

/** The page after a step. */
export function next(live: Live, step: Step): Live {
  switch (step.kind) {
    case 'begin':
      return NOTHING_YET
    case 'state':
      return { ...live, state: step.state }
    case 'arrived':
      return {
        ...live,
        messages: newestFirst(step.messages, live.messages ?? []),
        skipped: live.skipped + step.skipped,
        notes: [...new Set([...step.notes, ...live.notes])].slice(0, NOTES_KEPT),
      }
  }
}

/** Puts what came, the newest last, before what was there, the newest first. */
function newestFirst(came: Message[], there: Message[]): Message[] {
  if (came.length === 0) return there
  return [...came.slice(-KEPT).reverse(), ...there].slice(0, KEPT)
}
