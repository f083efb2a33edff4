import { useQuery } from '@tanstack/react-query'
import { CalendarClock, ChartColumn, CircleCheck, Layers, Plus, Rocket } from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { Link, Navigate } from 'react-router'
import { useActs } from '@/acts/JobActs'
import { ResumeSeveral } from '@/acts/resume/ResumeSeveral'
import { call, query } from '@/api/client'
import type { Job, OverviewRecord, Page } from '@/api/types'
import { useAddress } from '@/app/address'
import { FaultBoundary } from '@/app/FaultBoundary'
import { useLimited, useMay } from '@/app/session'
import { Code } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Bones } from '@/parts/Loading'
import { PageHead } from '@/parts/PageHead'
import { State } from '@/parts/State'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { capped } from '@/words/numbers'
import type { Tone } from '@/words/states'
import { Far, JobLink } from '../jobs/columns'

const Throughput = lazy(async () => ({ default: (await import('@/plots/Throughput')).Throughput }))
const Depth = lazy(async () => ({ default: (await import('@/plots/Depth')).Depth }))
const RANGES = ['1h', '24h', '7d', '30d']
const TONES: Record<string, Tone> = { interrupted: 'amber', inputs: 'purple', input: 'purple', failed: 'red' }
const PLACES: Record<string, string> = {
  interrupted: '/interrupted',
  inputs: '/waiting',
  input: '/waiting',
  failed: '/jobs?state=failed&ack=false',
}

/** What needs attention, what runs, what has run and what comes. */
export function Overview() {
  return useLimited() ? <Navigate to="/jobs" replace /> : <Everything />
}

function Everything() {
  const [search, setSearch] = useAddress()
  const { start } = useActs()
  const may = useMay('operator')
  const range = RANGES.includes(search.get('range') ?? '') ? (search.get('range') as string) : '24h'
  const found = useQuery({
    queryKey: ['overview', range],
    queryFn: ({ signal }) => call<OverviewRecord>(`overview${query({ range })}`, { signal }),
    placeholderData: (old) => old,
  })
  return (
    <>
      <PageHead title="Overview">
        <fieldset className="segments" aria-label="Range">
          {RANGES.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={range === name}
              onClick={() =>
                setSearch(
                  (old) => {
                    old.set('range', name)
                    return old
                  },
                  { replace: true },
                )
              }
            >
              {name.replace('h', ' h').replace('d', ' d')}
            </button>
          ))}
        </fieldset>
        {may && (
          <button type="button" className="button primary" onClick={() => start()}>
            <Plus size={16} aria-hidden="true" /> New job
          </button>
        )}
      </PageHead>
      <View query={found} rows={8}>
        {(record) => (isNew(record) ? <Start /> : <Board record={record} />)}
      </View>
    </>
  )
}

function isNew(record: OverviewRecord): boolean {
  const ended = record.throughput.some((bucket) => bucket.succeeded + bucket.failed + bucket.cancelled > 0)
  return (
    !ended &&
    record.running.length === 0 &&
    record.attention.length === 0 &&
    record.depth.every((queue) => queue.waiting === 0)
  )
}

function Board({ record }: { record: OverviewRecord }) {
  return (
    <div className="stack">
      <Attention items={record.attention} />
      <div className="board">
        <Card title="Running now" more={<Link to="/jobs?state=running">All that run</Link>}>
          {record.running.length === 0 ? (
            <Empty title="Nothing runs now" icon={Rocket} />
          ) : (
            <Running jobs={record.running} />
          )}
        </Card>
        <Card title="Next runs" more={<Link to="/schedules">Schedules</Link>}>
          {record.next_runs.length === 0 ? (
            <Empty title="Nothing is scheduled" icon={CalendarClock} />
          ) : (
            <ul className="next">
              {record.next_runs.slice(0, 10).map((run) => (
                <li key={`${run.schedule}${run.at}`} className="row spread">
                  <Link className="cut" to={`/schedules/${encodeURIComponent(run.schedule)}`}>
                    {run.schedule}
                  </Link>
                  <Time at={run.at} as="clock" />
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Ended">
          {record.throughput.length === 0 ? (
            <Empty title="Nothing has ended in this time" icon={ChartColumn} />
          ) : (
            <Suspense fallback={<Bones rows={4} />}>
              <Throughput buckets={record.throughput} />
            </Suspense>
          )}
        </Card>
        <Card title="Waiting in queues">
          {record.depth.length === 0 ? (
            <Empty title="No queue has anything waiting" icon={Layers} />
          ) : (
            <Suspense fallback={<Bones rows={3} />}>
              <Depth queues={record.depth} />
            </Suspense>
          )}
        </Card>
      </div>
    </div>
  )
}

function Card({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {more}
      </div>
      <div className="card-body">
        <FaultBoundary>{children}</FaultBoundary>
      </div>
    </section>
  )
}

function Attention({ items }: { items: OverviewRecord['attention'] }) {
  const may = useMay('operator')
  const [several, setSeveral] = useState<Job[] | null>(null)
  if (items.length === 0) {
    return (
      <p className="calm">
        <CircleCheck size={17} aria-hidden="true" /> Nothing needs you.
      </p>
    )
  }
  const ask = async () => {
    try {
      setSeveral((await call<Page<Job>>('interrupted')).items)
    } catch (error) {
      toast(asProblem(error).message)
    }
  }
  return (
    <ul className="attention" aria-label="Needs attention">
      {items.map((item) => (
        <li key={item.code} className="card" data-tone={TONES[item.code] ?? 'amber'}>
          <Link to={placeOf(item)}>
            <strong className="number">{capped(item.count)}</strong>
            <span>{item.text}</span>
          </Link>
          {item.code === 'interrupted' && may && (
            <button type="button" className="button small" onClick={() => void ask()}>
              Resume all
            </button>
          )}
        </li>
      ))}
      {several && <ResumeSeveral jobs={several} onClose={() => setSeveral(null)} onDone={() => {}} />}
    </ul>
  )
}

function placeOf(item: OverviewRecord['attention'][number]): string {
  const known = PLACES[item.code]
  if (known) return known
  const asked = (item.query ?? '').replace(/^\?/, '')
  return asked.startsWith('/') ? asked : `/jobs${asked ? `?${asked}` : ''}`
}

function Running({ jobs }: { jobs: Job[] }) {
  return (
    <ul className="running">
      {jobs.slice(0, 10).map((job) => (
        <li key={job.id}>
          <State state={job.state} />
          <JobLink job={job} />
          <Far job={job} />
          {job.started_at && <Time at={job.started_at} />}
        </li>
      ))}
    </ul>
  )
}

/** The first three steps. */
function Start() {
  const { start } = useActs()
  const may = useMay('operator')
  return (
    <section className="card start">
      <h2>Start here</h2>
      <ol>
        <li>
          <h3>See it at work</h3>
          <p className="muted">Sample jobs in a temporary folder; one of them is stopped half-way and goes on.</p>
          <Code text="onward demo" />
        </li>
        <li>
          <h3>Run a job of yours</h3>
          <p className="muted">A job is a function; each of its arguments becomes a field of a form.</p>
          <Code text="onward run JOB_TYPE --watch" />
        </li>
        <li>
          <h3>Or start one here</h3>
          <p className="muted">Every job type that this server knows.</p>
          {may && (
            <button type="button" className="button primary" onClick={() => start()}>
              New job
            </button>
          )}
        </li>
      </ol>
    </section>
  )
}
