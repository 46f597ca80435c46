/** The most that one page of a list may have, and the most pages: a server that never ends does not hang the portal. */
const PAGE = 1000
const PAGES = 50

/** All pages of a list that goes on after the last element of the page before. */
export async function everyPage<Item>(
  ask: (limit: number, last: Item | undefined) => Promise<Item[] | undefined>,
): Promise<Item[]> {
  const all: Item[] = []
  for (let page = 0; page < PAGES; page++) {
    const items = (await ask(PAGE, all.at(-1))) ?? []
    all.push(...items)
    if (items.length < PAGE) break
  }
  return all
}
