import type { Reconciliation } from '../../api/schema'

/** What a reconciliation has mended, in a line. */
export function summary(last: Reconciliation): string {
  const parts: [number, string, string][] = [
    [last.granted, 'token got back its rights', 'tokens got back their rights'],
    [last.surplusRemoved, 'token had surplus rights', 'tokens had surplus rights'],
    [last.cutOff, 'principal was cut off', 'principals were cut off'],
    [last.quotasLifted, 'quota was lifted', 'quotas were lifted'],
    [last.workspacesCreated, 'workspace was finished', 'workspaces were finished'],
    [last.tokensAbandoned, 'prepared token was given up', 'prepared tokens were given up'],
  ]
  const done = parts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`)
  return done.length === 0 ? 'There was nothing to mend.' : `${done.join(', ')}.`
}
