/**
 * Where to go after the sign-in: a page of the portal, or home. Whatever else somebody wrote into a link, another site or a
 * page of the API, is not followed.
 */
export function returnTo(to: string | undefined): string {
  const home = '/workspaces'
  // A browser reads `//host` and `/\host` as another site, and leaves out tabs and line ends before it looks.
  if (to === undefined || !/^\/(?![/\\])[^\p{Cc}\\]*$/u.test(to)) return home
  const path = new URL(to, 'http://portal.invalid')
  if (path.host !== 'portal.invalid') return home
  const inside = path.pathname.replace(/^\/portal(?=\/|$)/, '') || '/'
  if (inside.startsWith('//') || inside === '/' || inside === '/sign-in') return home
  return inside + path.search + path.hash
}

const KEY = 'twinkey-return-to'

/** Remembers a page of the portal while the browser is at the identity provider. */
export function rememberReturn(to: string | undefined) {
  const path = returnTo(to)
  if (path === '/workspaces') sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, path)
}

/** That page, once. */
export function takeReturn(): string {
  const path = returnTo(sessionStorage.getItem(KEY) ?? undefined)
  sessionStorage.removeItem(KEY)
  return path
}
