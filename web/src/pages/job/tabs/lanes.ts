/** The lanes of a timeline: phases of a chain, ranges of a fan-out, else attempts. */
import type { JobDetail, Phase, Run } from '@/api/types'

export interface Span {
  kind: 'waits' | 'works'
  state: string
  from: number
  to: number
}

export interface Lane {
  key: string
  name: string
  id: string | null
  note: string
  spans: Span[]
  /** Of parts of one whole, the one that took the longest. */
  isCritical?: boolean
}

export function lanesOf(job: JobDetail, now: number): Lane[] {
  const phases = withShares(
    job.phases.map((phase, at) => phaseLane(phase, at, now)),
    job.phases,
  )
  const ranges = job.ranges.map((range) => ({
    key: range.id,
    name: `Range ${range.number + 1} of ${range.of}`,
    id: range.id,
    note: range.percent === null ? '' : `${range.percent}%`,
    spans: [] as Span[],
  }))
  return phases.length > 1 ? phases : [...attemptLanes(job, now), ...ranges]
}

/** What each phase weighs beside what it took, and which of them took the longest: phases follow each other, so that is
 * where the time of the whole went. */
function withShares(lanes: Lane[], phases: Phase[]): Lane[] {
  const took = lanes.map((lane) => lane.spans.reduce((sum, span) => sum + span.to - span.from, 0))
  const whole = took.reduce((sum, part) => sum + part, 0)
  const weights = phases.reduce((sum, phase) => sum + phase.weight, 0)
  if (whole <= 0 || weights <= 0) return lanes
  const longest = Math.max(...took)
  return lanes.map((lane, at) => ({
    ...lane,
    note: [
      lane.note,
      `weighs ${Math.round((100 * (phases[at]?.weight ?? 0)) / weights)}%`,
      took[at] ? `took ${Math.round((100 * took[at]) / whole)}%` : '',
    ]
      .filter(Boolean)
      .join(', '),
    isCritical: took[at] === longest,
  }))
}

function phaseLane(phase: Phase, at: number, now: number): Lane {
  const from = phase.started_at ? Date.parse(phase.started_at) : null
  const to = phase.completed_at ? Date.parse(phase.completed_at) : now
  return {
    key: `${at}`,
    name: `${at + 1}. ${phase.name}`,
    id: phase.id,
    note: phase.percent !== null && phase.state === 'running' ? `${phase.percent}%` : '',
    spans: from === null ? [] : [{ kind: 'works', state: phase.state, from, to: Math.max(from, to) }],
  }
}

/** How a run ended, as the state that people know. */
const STATE_OF_RUN: Record<string, string> = {
  running: 'running',
  success: 'succeeded',
  failed: 'failed',
  lost: 'failed',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
  parked: 'input',
  skipped: 'cancelled',
}

function attemptLanes(job: JobDetail, now: number): Lane[] {
  const runs = [...job.runs].sort((one, other) => (one.started_at ?? '').localeCompare(other.started_at ?? ''))
  const lanes = runs.flatMap((run, at) => attemptLane(run, at, runs[at - 1], job, now))
  if (lanes.length > 0) return lanes
  const created = Date.parse(job.created_at)
  const end = job.completed_at ? Date.parse(job.completed_at) : now
  return [
    {
      key: 'waits',
      name: 'Waits',
      id: null,
      note: '',
      spans: [{ kind: 'waits', state: job.state, from: created, to: Math.max(created, end) }],
    },
  ]
}

function attemptLane(run: Run, at: number, before: Run | undefined, job: JobDetail, now: number): Lane[] {
  if (!run.started_at) return []
  const from = Date.parse(run.started_at)
  const to = run.finished_at ? Date.parse(run.finished_at) : now
  const waitsFrom = Date.parse(before?.finished_at ?? job.created_at)
  const state = STATE_OF_RUN[run.status] ?? run.status
  return [
    {
      key: run.id,
      name: `Run ${at + 1}`,
      id: null,
      note: run.status === 'success' || run.status === 'running' ? '' : run.status,
      spans: [
        ...(from - waitsFrom > 50 ? [{ kind: 'waits' as const, state: 'queued', from: waitsFrom, to: from }] : []),
        { kind: 'works', state, from, to: Math.max(from, to) },
      ],
    },
  ]
}
