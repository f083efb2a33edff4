/** Which jobs an operation is meant for: these, or all that the filter matched at a moment. */
export function whichOf(ids: string[] | null, filter: Record<string, string>, before: string) {
  if (ids) return { ids }
  // What only orders the list narrows nothing down.
  const { sort: _sort, deep: _deep, ...rest } = filter
  return { filter: rest, before }
}
