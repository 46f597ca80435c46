const KINDS: [string, string][] = [
  [
    'sdk-',
    'This looks like an SDK token. Programs sign in with those; people sign in here with the password of their account.',
  ],
  [
    'pat-',
    'This looks like a personal access token. Scripts sign in with those; people sign in here with their password.',
  ],
  ['inv-', 'This looks like an invitation. Open its whole link in the browser to accept it.'],
  ['ses-', 'This looks like the secret of a session, which is not a password.'],
]

/** What to say to somebody who put a token where a password belongs; nothing: it does not look like one. */
export function tokenHint(text: string): string | undefined {
  return KINDS.find(([prefix]) => text.trim().startsWith(prefix))?.[1]
}
