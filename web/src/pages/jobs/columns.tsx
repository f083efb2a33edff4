import { Link } from 'react-router'
import type { Job } from '@/api/types'
import { useNow } from '@/app/clock'
import { usePreference } from '@/app/preferences'
import { amount, Bar } from '@/parts/Bar'
import { State } from '@/parts/State'
import type { Column } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { shortId } from '@/words/numbers'
import { firstLine } from '@/words/texts'
import { duration } from '@/words/times'

/** What a job says of itself in one line: why it waits, what went wrong, or its last message. */
export function lastWord(job: Job): string {
  if (job.state === 'running') return job.progress.message ?? ''
  if (job.state === 'failed' || job.state === 'interrupted') {
    return job.error ? `${job.error.type}: ${job.error.message}` : (job.progress.message ?? '')
  }
  return (
    job.waiting_reason?.text ?? (job.state === 'input' ? firstLine(job.hitl?.prompt ?? '') : job.progress.message) ?? ''
  )
}

export function JobLink({ job, from }: { job: Job; from?: string }) {
  return (
    <Link
      className="main-link"
      to={`/jobs/${encodeURIComponent(job.id)}`}
      state={from ? { from } : undefined}
      title={job.id}
    >
      {job.job_type} <span className="mono muted">{shortId(job.id)}</span>
    </Link>
  )
}

/** A bar while there is something to come, else how long it took. */
export function Far({ job }: { job: Job }) {
  if (job.state === 'succeeded') return <span className="number muted">{tookOf(job)}</span>
  const started = job.progress.percent !== null || job.progress.done !== null
  if (!started && job.state !== 'running') return <span className="muted">{job.started_at ? tookOf(job) : '–'}</span>
  return (
    <span className="progress">
      <Bar value={job.progress.percent} state={job.state} label={`Progress of ${job.job_type} ${shortId(job.id)}`} />
      <span>{amount(job.progress)}</span>
    </span>
  )
}

function tookOf(job: Job): string {
  if (!job.started_at || !job.completed_at) return '–'
  return duration((Date.parse(job.completed_at) - Date.parse(job.started_at)) / 1000)
}

function Running({ job }: { job: Job }) {
  const now = useNow()
  if (!job.started_at) return <span className="muted">–</span>
  const end = job.completed_at ? Date.parse(job.completed_at) : now
  return <>{duration((end - Date.parse(job.started_at)) / 1000)}</>
}

export const COLUMNS: Column<Job>[] = [
  { name: 'state', label: 'State', cell: (job) => <State state={job.state} retryAt={job.run_at} /> },
  {
    name: 'job',
    label: 'Job',
    cell: (job) => (
      <span className="two-lines">
        <JobLink job={job} from="jobs" />
        {job.source_id && <span className="muted cut">{job.source_id}</span>}
      </span>
    ),
  },
  { name: 'progress', label: 'Progress', cell: (job) => <Far job={job} /> },
  {
    name: 'word',
    label: 'Why or last message',
    kind: 'wide',
    cell: (job) => (
      <div className="cut muted" title={lastWord(job)}>
        {lastWord(job)}
      </div>
    ),
  },
  { name: 'queue', label: 'Queue', cell: (job) => <span className="muted">{job.queue}</span> },
  {
    name: 'resources',
    label: 'Resources',
    cell: (job) => (
      <span className="row tags">
        {job.resources.slice(0, 2).map((need) => (
          <span key={need.name} className="tag cut" title={need.name}>
            {need.name}
          </span>
        ))}
        {job.resources.length > 2 && <span className="muted">+{job.resources.length - 2}</span>}
      </span>
    ),
  },
  {
    name: 'attempt',
    label: 'Attempt',
    kind: 'number',
    cell: (job) => (
      <span className="muted">
        {job.attempt}/{Math.max(job.attempt, job.max_attempts)}
      </span>
    ),
  },
  {
    name: 'worker',
    label: 'Worker',
    cell: (job) => <span className="mono muted">{job.worker_id ? shortId(job.worker_id) : '–'}</span>,
  },
  { name: 'duration', label: 'Took', kind: 'number', cell: (job) => <Running job={job} /> },
  {
    name: 'started',
    label: 'Started',
    cell: (job) => (job.started_at ? <Time at={job.started_at} as="clock" /> : <span className="muted">–</span>),
  },
  { name: 'age', label: 'Age', cell: (job) => <Time at={job.created_at} /> },
]

const USUAL = ['state', 'job', 'progress', 'word', 'resources', 'attempt', 'age']

/** The columns that this person wants, in their order. */
export function useColumns() {
  const [names, setNames] = usePreference<string[]>('job-columns', USUAL)
  const columns = names.flatMap((name) => COLUMNS.find((column) => column.name === name) ?? [])
  return { names, setNames, columns: columns.length ? columns : COLUMNS, reset: () => setNames(USUAL) }
}
