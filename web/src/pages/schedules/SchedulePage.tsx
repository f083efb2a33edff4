import { useQuery } from '@tanstack/react-query'
import { History } from 'lucide-react'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { call } from '@/api/client'
import type { DueTime, Page, Schedule, ScheduleRun } from '@/api/types'
import { Empty } from '@/parts/Empty'
import { ForOperators } from '@/parts/ForOperators'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import { duration } from '@/words/times'
import { Backfill } from './Backfill'
import { Editor } from './Editor'
import { useScheduleMenu } from './menu'
import { Pause } from './Pause'
import { Rule } from './Rule'
import { at, OUTCOMES, OVERLAP, STATES, wall } from './words'

/** One schedule: its rule, its next runs, and what came of those that were due. */
export function SchedulePage() {
  const { name = '' } = useParams()
  const navigate = useNavigate()
  const found = useQuery({ queryKey: ['schedule', name], queryFn: () => call<Schedule>(at(name)) })
  const runs = useQuery({
    queryKey: ['schedule', name, 'runs'],
    queryFn: () => call<Page<ScheduleRun>>(`${at(name)}/runs`),
  })
  const [open, setOpen] = useState<string | null>(null)
  const menu = useScheduleMenu((asked) => setOpen(asked.kind === 'delete' ? null : asked.kind))
  const close = () => {
    setOpen(null)
    void found.refetch()
  }
  return (
    <>
      <PageHead
        title={name}
        lead={
          <>
            <Link to="/schedules">Schedules</Link>
            {found.data?.description && ` · ${found.data.description}`}
          </>
        }
      >
        {found.data && menu?.(found.data)}
      </PageHead>
      <View query={found} rows={6}>
        {(schedule) => (
          <div className="stack">
            <div className="two-columns">
              <section className="card card-body" aria-label="Rule">
                <dl className="facts">
                  <dt>State</dt>
                  <dd>
                    <span className="badge" data-tone={STATES[schedule.state].tone}>
                      {STATES[schedule.state].label}
                    </span>{' '}
                    {schedule.paused_by && `by ${schedule.paused_by}`}
                    {schedule.paused_reason && `: ${schedule.paused_reason}`}
                    {schedule.fault}
                  </dd>
                  <dt>Job type</dt>
                  <dd>
                    <code>{schedule.job_type}</code>
                  </dd>
                  <dt>When</dt>
                  <dd>
                    <Rule of={schedule} />
                  </dd>
                  <dt>While one still runs</dt>
                  <dd>{OVERLAP[schedule.overlap]}</dd>
                  <dt>When several were missed</dt>
                  <dd>{schedule.catch_up === 'latest' ? 'run once, for the latest' : 'run once for each'}</dd>
                  <dt>Too late after</dt>
                  <dd>
                    {schedule.misfire_grace_seconds === null ? 'never' : duration(schedule.misfire_grace_seconds)}
                  </dd>
                  {schedule.origin && (
                    <>
                      <dt>Defined in</dt>
                      <dd>
                        <code>{schedule.origin}</code>
                      </dd>
                    </>
                  )}
                  <dt>Parameters</dt>
                  <dd>
                    <code>{JSON.stringify(schedule.params)}</code>
                    <ForOperators what="What its jobs are given" />
                  </dd>
                </dl>
              </section>
              <NextRuns schedule={schedule} />
            </div>
            <section className="stack tight" aria-label="What came of it">
              <h2>What came of it</h2>
              <View query={runs} rows={5}>
                {({ items }) => <Runs runs={items} />}
              </View>
            </section>
            {open === 'edit' && <Editor schedule={schedule} onClose={close} />}
            {open === 'pause' && <Pause schedule={schedule} onClose={close} />}
            {open === 'backfill' && <Backfill schedule={schedule} onClose={close} />}
          </div>
        )}
      </View>
      {found.error && (
        <button type="button" className="button" onClick={() => void navigate('/schedules')}>
          All schedules
        </button>
      )}
    </>
  )
}

function NextRuns({ schedule }: { schedule: Schedule }) {
  const found = useQuery({
    queryKey: ['schedule', schedule.name, 'preview'],
    queryFn: () => call<DueTime[]>(`schedules/preview?name=${encodeURIComponent(schedule.name)}&count=10`),
    enabled: schedule.state === 'active',
  })
  return (
    <section className="card card-body stack tight" aria-label="Next runs">
      <h2>Next runs, {schedule.timezone}</h2>
      {schedule.state === 'active' ? (
        <View query={found} rows={5}>
          {(times) => (
            <ol className="due-list">
              {times.map((due) => (
                <li key={due.at}>
                  <time dateTime={due.at} className="number">
                    {wall(due.local)}
                  </time>
                  {due.note && (
                    <span className="state" data-tone="amber">
                      {due.note}
                    </span>
                  )}
                </li>
              ))}
            </ol>
          )}
        </View>
      ) : (
        <p className="muted">None while it is {STATES[schedule.state].label.toLowerCase()}.</p>
      )}
    </section>
  )
}

function Runs({ runs }: { runs: ScheduleRun[] }) {
  if (runs.length === 0) {
    return (
      <div className="card">
        <Empty title="It has not been due yet" icon={History} />
      </div>
    )
  }
  return (
    <div className="card">
      <Table
        label="Runs"
        rows={runs}
        rowKey={(row) => row.id}
        columns={[
          { name: 'at', label: 'When', cell: (row) => <Time at={row.due_at ?? row.started_at} as="full" /> },
          {
            name: 'status',
            label: 'Outcome',
            cell: (row) => (
              <span className="badge" data-tone={OUTCOMES[row.status] ?? 'grey'}>
                {row.status}
              </span>
            ),
          },
          {
            name: 'job',
            label: 'Job',
            cell: (row) =>
              row.job_id && <Link to={`/jobs/${encodeURIComponent(row.job_id)}`}>{shortId(row.job_id)}</Link>,
          },
          { name: 'bot', label: 'Bot', cell: (row) => row.bot_id },
          {
            name: 'took',
            label: 'Took',
            cell: (row) => (row.duration_ms === null ? '' : duration(row.duration_ms / 1000)),
          },
          { name: 'why', label: 'Why', kind: 'wide', cell: (row) => row.message ?? row.reason },
        ]}
      />
    </div>
  )
}
