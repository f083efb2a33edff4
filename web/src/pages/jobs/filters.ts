/** The filter of the list is its address: one key for each question, a comma is "or", a leading minus is "not". */
import { STATES } from '@/words/states'

export interface FilterKey {
  name: string
  label: string
  hint: string
  values?: string[]
}

export const FILTER_KEYS: FilterKey[] = [
  { name: 'state', label: 'State', hint: 'failed,interrupted', values: Object.keys(STATES) },
  { name: 'job_type', label: 'Job type', hint: 'embed*' },
  { name: 'source_id', label: 'Source', hint: 'docs-v2' },
  { name: 'tag', label: 'Tag', hint: 'tenant:acme' },
  { name: 'queue', label: 'Queue', hint: 'default' },
  { name: 'user_id', label: 'User', hint: 'ana' },
  { name: 'worker', label: 'Worker', hint: 'gpu-2' },
  { name: 'error', label: 'Error', hint: 'TimeoutError' },
  { name: 'resource', label: 'Resource', hint: 'vectors:1536' },
  { name: 'dim', label: 'Dimension', hint: '1536' },
  { name: 'chain', label: 'Chain', hint: 'nightly' },
  { name: 'created', label: 'Created', hint: '2026-09-01..2026-10-01' },
  { name: 'duration', label: 'Duration', hint: '>10m' },
  { name: 'ack', label: 'Acknowledged', hint: 'false', values: ['false', 'true'] },
  { name: 'parent_id', label: 'Part of', hint: 'id of a job' },
]

const NAMES = new Set(FILTER_KEYS.flatMap(({ name }) => [name, `-${name}`]))

export interface Chip {
  key: string
  value: string
}

/** The chips of an address, in their order. */
export function chipsOf(search: URLSearchParams): Chip[] {
  const chips: Chip[] = []
  for (const [key, value] of search) {
    if ((NAMES.has(key) || key === 'q' || key.startsWith('arg.')) && value) chips.push({ key, value })
  }
  return chips
}

/** What is asked of the server: the chips, and the order. */
export function asked(search: URLSearchParams): Record<string, string> {
  const plain = ['sort', 'deep'].flatMap((name) => (search.get(name) ? [[name, search.get(name) as string]] : []))
  return Object.fromEntries([...chipsOf(search).map(({ key, value }) => [key, value]), ...plain])
}

export function keyLabel(key: string): string {
  const bare = key.replace(/^-/, '')
  const label = bare === 'q' ? 'Text' : (FILTER_KEYS.find(({ name }) => name === bare)?.label ?? bare)
  return key.startsWith('-') ? `Not ${label.toLowerCase()}` : label
}

/** What was typed as a chip: "key=value" or "key:value", else text to look for. */
export function typed(text: string): Chip | null {
  const found = /^(-?[a-z_]+(?:\.[\w.]+)?)\s*[=:]\s*(.+)$/i.exec(text.trim())
  if (found?.[1] && found[2]) {
    const key = found[1].toLowerCase()
    if (NAMES.has(key) || key.startsWith('arg.')) return { key, value: found[2].trim() }
  }
  return text.trim() ? { key: 'q', value: text.trim() } : null
}

/** The address with one chip more; the cursor goes, as another filter has other pages. */
export function withChip(search: URLSearchParams, chip: Chip): URLSearchParams {
  const next = new URLSearchParams(search)
  const before = next.get(chip.key)
  const values = new Set([...(before && chip.key !== 'q' ? before.split(',') : []), ...chip.value.split(',')])
  next.set(chip.key, chip.key === 'q' ? chip.value : [...values].join(','))
  next.delete('after')
  return next
}

export function withoutChip(search: URLSearchParams, key: string): URLSearchParams {
  const next = new URLSearchParams(search)
  next.delete(key)
  next.delete('after')
  return next
}

export function withoutFilter(search: URLSearchParams): URLSearchParams {
  const next = new URLSearchParams(search)
  for (const { key } of chipsOf(search)) next.delete(key)
  next.delete('deep')
  next.delete('after')
  return next
}
