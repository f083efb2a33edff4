import { useQuery } from '@tanstack/react-query'
import { CircleCheck, Layers, Plus, Rocket } from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { Link } from 'react-router'
import { useActs } from '@/acts/JobActs'
import { ResumeSeveral } from '@/acts/resume/ResumeSeveral'
import { call } from '@/api/client'
import type { Job, OverviewRecord, Page } from '@/api/types'
import { FaultBoundary } from '@/app/FaultBoundary'
import { useMay } from '@/app/session'
import { Code } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Bones } from '@/parts/Loading'
import { PageHead } from '@/parts/PageHead'
import { State } from '@/parts/State'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { count } from '@/words/numbers'
import type { Tone } from '@/words/states'
import { Far, JobLink } from '../jobs/columns'

const Depth = lazy(async () => ({ default: (await import('@/plots/Depth')).Depth }))
const TONES: Record<string, Tone> = { interrupted: 'amber', inputs: 'purple', input: 'purple', failed: 'red' }
const PLACES: Record<string, string> = {
  interrupted: '/interrupted',
  inputs: '/waiting',
  input: '/waiting',
  failed: '/jobs?state=failed&ack=false',
}

/** What needs attention, what runs, what has run and what comes. */
export function Overview() {
  const { start } = useActs()
  const may = useMay('operator')
  const found = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => call<OverviewRecord>('overview', { signal }),
  })
  return (
    <>
      <PageHead title="Overview">
        {may && (
          <button type="button" className="button primary" onClick={() => start()}>
            <Plus size={16} aria-hidden="true" /> New job
          </button>
        )}
      </PageHead>
      <View query={found} rows={8}>
        {(record) => (
          <div className="stack">
            <Board record={record} />
            {isQuiet(record) && <Start />}
          </div>
        )}
      </View>
    </>
  )
}

function isQuiet(record: OverviewRecord): boolean {
  return record.running.length === 0 && record.attention.length === 0 && record.depth.length === 0
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
      setSeveral((await call<Page<Job>>('jobs?state=interrupted&limit=200')).items)
    } catch (error) {
      toast(asProblem(error).message)
    }
  }
  return (
    <ul className="attention" aria-label="Needs attention">
      {items.map((item) => (
        <li key={item.code} className="card" data-tone={TONES[item.code] ?? 'amber'}>
          <Link to={placeOf(item)}>
            <strong className="number">{count(item.count)}</strong>
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
