/** Jobs as a file: a line for each, as CSV for tables or as JSON for programs. */
import { call, query, writeJson } from '@/api/client'
import type { Job, Page } from '@/api/types'
import { csvCell } from '@/parts/csv'

/** More than this is a matter for the command line. */
export const MOST = 20_000
const AT_ONCE = 200

export type Form = 'csv' | 'jsonl'

/** The columns of `onward job export`. */
const COLUMNS = [
  'id',
  'job_type',
  'state',
  'status',
  'source_id',
  'user_id',
  'queue',
  'priority',
  'attempt',
  'progress.percent',
  'created_at',
  'started_at',
  'completed_at',
  'parent_id',
  'tags',
  'error.type',
  'error.message',
  'params',
]

/** The lines of all jobs that the filter matches, a page at a time; `told` hears how many there are so far. */
export async function linesOf(
  form: Form,
  filter: Record<string, string>,
  signal: AbortSignal,
  told: (number: number) => void,
): Promise<{ lines: string[]; isWhole: boolean }> {
  const lines = form === 'csv' ? [COLUMNS.join(',')] : []
  const head = lines.length
  let after: string | null = null
  do {
    const page: Page<Job> = await call<Page<Job>>(`jobs${query({ ...filter, after, limit: AT_ONCE })}`, { signal })
    for (const job of page.items) lines.push(form === 'csv' ? csvLine(job) : writeJson(job))
    after = page.next
    told(lines.length - head)
  } while (after && lines.length - head < MOST)
  return { lines, isWhole: after === null }
}

function csvLine(job: Job): string {
  return COLUMNS.map((name) => csvCell(at(job, name))).join(',')
}

function at(job: Job, name: string): unknown {
  return name
    .split('.')
    .reduce<unknown>((record, key) => (record as Record<string, unknown> | null | undefined)?.[key], job)
}
