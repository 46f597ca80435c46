/** The longest id, as the server has it. */
export const ID_MAX = 60

/** An id that a name suggests: "Payments (EU)" gives `payments-eu`. */
export function suggestId(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss')
  const hyphened = plain.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
  return hyphened.slice(0, ID_MAX).replace(/-+$/, '')
}

/** Why an id cannot be taken, as far as this page knows; nothing: the server decides. */
export function whyNot(id: string, taken: string[]): string | undefined {
  if (/[A-Z]/.test(id)) return 'Only lower-case letters.'
  if (/[^a-z0-9-]/.test(id)) return 'Only letters a to z, digits and hyphens.'
  if (/^-|-$|--/.test(id)) return 'Single hyphens, and only between letters or digits.'
  if (id.length > ID_MAX) return `At most ${ID_MAX} characters; these are ${id.length}.`
  const other = taken.find((each) => overlaps(each, id))
  if (other === id) return 'There is a workspace with this id.'
  if (other !== undefined)
    return `The workspace ‘${other}’ is in the way: no id may be the beginning of another one, up to a hyphen, because topics are kept apart by it.`
  return undefined
}

/** Whether two ids could see each other's topics: one is the other, or goes on with a hyphen. */
function overlaps(left: string, right: string): boolean {
  return left === right || left.startsWith(`${right}-`) || right.startsWith(`${left}-`)
}
