/** How long a job waited, or ran, in seconds; null where that is not known yet. */
import type { Job } from '@/api/types'

export type Kind = 'ran' | 'waited'

export function lengthOf(job: Job, kind: Kind): number | null {
  const [from, to] =
    kind === 'ran' ? [job.started_at, job.completed_at] : [job.run_at ?? job.created_at, job.started_at]
  return from && to ? Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000) : null
}
