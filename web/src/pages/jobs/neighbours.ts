/** The list that one came from, so that a job knows its neighbours. */
let ids: string[] = []

export function remember(list: string[]): void {
  if (list.length > 0) ids = list
}

export function neighbours(id: string): { before: string | undefined; after: string | undefined } {
  const at = ids.indexOf(id)
  return at < 0 ? { before: undefined, after: undefined } : { before: ids[at - 1], after: ids[at + 1] }
}
