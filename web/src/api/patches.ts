/** What events change in data that is already here: rows in place at once, lists and sheets by asking again a moment later. */
import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import type { Heard } from './live'
import type { Job, Page } from './types'

/** Keys of queries that an event of a topic makes old. */
const OLD_BY_TOPIC: Record<string, string[]> = {
  jobs: ['jobs', 'badges', 'overview', 'interrupted', 'job', 'job-history', 'job-runs'],
  inputs: ['badges', 'inputs', 'input'],
  resources: ['resources'],
  schedules: ['schedules', 'schedule'],
  workers: ['workers'],
}

const AGAIN_MS = 1_000
const old = new Set<string>()
let timer: ReturnType<typeof setTimeout> | undefined

export function apply(queries: QueryClient, events: Heard[]): void {
  const jobs = new Map<string, Heard>()
  for (const event of events) {
    if (event.data.id && (event.topic === 'jobs' || event.topic === 'progress')) {
      const known = jobs.get(event.data.id)
      jobs.set(event.data.id, known ? { ...event, data: { ...known.data, ...event.data } } : event)
    }
    for (const key of OLD_BY_TOPIC[event.topic] ?? []) old.add(key)
  }
  if (jobs.size) patchJobs(queries, jobs)
  if (old.size > 0 && timer === undefined) timer = setTimeout(() => refetch(queries), AGAIN_MS)
}

/** Forget what would be asked again in a moment: a page that is paused asks nothing. */
export function forget(): void {
  clearTimeout(timer)
  timer = undefined
  old.clear()
}

export function refetchAll(queries: QueryClient): void {
  void queries.invalidateQueries({ predicate: (found) => found.queryKey[0] !== 'session' })
}

function refetch(queries: QueryClient): void {
  timer = undefined
  const keys = [...old]
  old.clear()
  for (const key of keys) void queries.invalidateQueries({ queryKey: [key] })
}

function patchJobs(queries: QueryClient, events: Map<string, Heard>): void {
  queries.setQueriesData<InfiniteData<Page<Job>> | Page<Job>>({ queryKey: ['jobs'] }, (data) => {
    if (!data) return data
    if ('pages' in data) return { ...data, pages: data.pages.map((page) => patchPage(page, events)) }
    return patchPage(data, events)
  })
  for (const [id, event] of events) {
    queries.setQueriesData<Job>({ queryKey: ['job', id] }, (job) => (job ? patched(job, event) : job))
  }
}

function patchPage(page: Page<Job>, events: Map<string, Heard>): Page<Job> {
  if (!page.items.some((job) => events.has(job.id))) return page
  return {
    ...page,
    items: page.items.map((job) => {
      const event = events.get(job.id)
      return event ? patched(job, event) : job
    }),
  }
}

const PROGRESS = ['percent', 'message', 'done', 'total', 'rate', 'eta_seconds', 'phase'] as const
const PLAIN = [
  'state',
  'status',
  'attempt',
  'worker_id',
  'started_at',
  'completed_at',
  'updated_at',
  'waiting_reason',
] as const

/** The job as the event tells it; an older event changes nothing, so order and repeats are harmless. */
export function patched(job: Job, event: Heard): Job {
  const { data } = event
  const known = job.v ?? Date.parse(job.updated_at) * 1000
  if (data.v !== undefined && data.v < known) return job
  const changed: Job = { ...job, v: data.v ?? job.v, progress: { ...job.progress } }
  const fields = changed as unknown as Record<string, unknown>
  const progress = changed.progress as unknown as Record<string, unknown>
  const told = (data.progress ?? {}) as Record<string, unknown>
  for (const key of PLAIN) if (key in data) fields[key] = data[key]
  // Why it waited says nothing about another state.
  if (changed.state !== job.state && !('waiting_reason' in data)) changed.waiting_reason = null
  for (const key of PROGRESS) {
    if (key in told) progress[key] = told[key]
    else if (key in data) progress[key] = data[key]
  }
  return changed
}
