/** The first line of a text without its marks, for lists. */
export function firstLine(text: string): string {
  const line = text.trim().split('\n')[0] ?? ''
  return line
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[*_`]{1,2}([^*_`]+)[*_`]{1,2}/g, '$1')
    .replace(/^#+\s+/, '')
}
