import list from '../../../snippets/snippets.json'

const files = import.meta.glob<string>('../../../snippets/*', {
  query: '?raw',
  import: 'default',
  eager: true,
})

/** A program, or variables for one, with places for the workspace's values. */
export interface Snippet {
  id: string
  label: string
  /** The name that it is downloaded under. */
  download: string
  /** Which client it is for, and what to know. */
  note: string
  text: string
}

/** All snippets, in the order of the page. compat/tests/test_snippets.py runs the same files. */
export const SNIPPETS: Snippet[] = list.map(({ id, label, file, download, note }) => ({
  id,
  label,
  download: download ?? file,
  note,
  text: files[`../../../snippets/${file}`] ?? '',
}))

/** What the places are filled with. */
export type Values = Record<string, string>

/** What a place for a secret shows until somebody asks for the real value. */
const SECRETS = ['token', 'password']

/** Fills the places `{{name}}`. What stands between `{{#name}}` and `{{/name}}` is left out where `name` has no value. */
export function fill(text: string, values: Values): string {
  return text
    .replace(/^\{\{#(\w+)\}\}\n([\s\S]*?)^\{\{\/\1\}\}\n/gm, (_, name: string, inner: string) =>
      values[name] ? inner : '',
    )
    .replace(/\{\{(\w+)\}\}/g, (place, name: string) => values[name]?.trimEnd() ?? place)
}

/** Whether a snippet needs more than the token: the broker's own credentials. */
export function needsPassword(text: string): boolean {
  return text.includes('{{password}}')
}

/** The values with nothing secret among them. */
export function masked(values: Values, maskedToken: string): Values {
  const hidden = Object.fromEntries(SECRETS.map((name) => [name, '••••••••']))
  return { ...values, ...hidden, token: maskedToken }
}
