import { useQuery } from '@tanstack/react-query'
import { Archive } from 'lucide-react'
import { useId, useState } from 'react'
import { Link } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call, type Problem } from '@/api/client'
import type { KeptCheckpoint, Page, Pruned, Setting } from '@/api/types'
import { useMay } from '@/app/session'
import { Confirm } from '@/parts/Confirm'
import { Empty } from '@/parts/Empty'
import { Note, ProblemNote } from '@/parts/Note'
import { PageHead } from '@/parts/PageHead'
import { State } from '@/parts/State'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { bytes, count, percent, plural, shortId } from '@/words/numbers'

/** What unfinished jobs have saved, and how long what is over is kept. */
export function Checkpoints() {
  const found = useQuery({
    queryKey: ['checkpoints'],
    queryFn: () => call<Page<KeptCheckpoint>>('checkpoints?limit=200'),
  })
  return (
    <>
      <PageHead title="Checkpoints" lead="What unfinished jobs have saved, and how long what is over is kept." />
      <div className="stack">
        <View query={found} rows={4}>
          {({ items }) => <Kept items={items} />}
        </View>
        <Retention />
      </div>
    </>
  )
}

function Kept({ items }: { items: KeptCheckpoint[] }) {
  const may = useMay('operator')
  const act = useAct('checkpoints')
  const pin = (row: KeptCheckpoint, pinned: boolean) =>
    act(
      () => call(`checkpoints/${encodeURIComponent(row.job)}/pin`, { body: { pinned } }),
      pinned ? `Kept: what ${shortId(row.job)} has saved` : `Not kept any more: ${shortId(row.job)}`,
    )
  if (items.length === 0) {
    return (
      <div className="card">
        <Empty title="No checkpoints stored" icon={Archive}>
          <p>Unfinished jobs that call ctx.checkpoint(), or go over items with ctx.each, are listed here.</p>
        </Empty>
      </div>
    )
  }
  return (
    <div className="card">
      <Table
        label="Checkpoints"
        rows={items}
        rowKey={(row) => `${row.job}/${row.number}`}
        columns={[
          {
            name: 'job',
            label: 'Job',
            kind: 'wide',
            cell: (row) => (
              <Link className="main-link" to={`/jobs/${encodeURIComponent(row.job)}?tab=checkpoints`}>
                {row.job_type} {row.source_id} <code className="muted">{shortId(row.job)}</code>
              </Link>
            ),
          },
          { name: 'state', label: 'State', cell: (row) => <State state={row.state} /> },
          { name: 'number', label: 'Number', kind: 'number', cell: (row) => count(row.number) },
          { name: 'percent', label: 'At', kind: 'number', cell: (row) => percent(row.percent) },
          { name: 'bytes', label: 'Size', kind: 'number', cell: (row) => bytes(row.bytes) },
          { name: 'saved', label: 'Saved', cell: (row) => <Time at={row.saved_at} /> },
          {
            name: 'valid',
            label: 'Valid',
            cell: (row) =>
              row.is_valid ? (
                'yes'
              ) : (
                <span className="state" data-tone="red">
                  damaged
                </span>
              ),
          },
          {
            name: 'pin',
            label: 'Kept',
            cell: (row) =>
              may ? (
                <button type="button" className="button small" onClick={() => void pin(row, !row.pinned)}>
                  {row.pinned ? 'Unpin' : 'Pin'}
                </button>
              ) : row.pinned ? (
                'pinned'
              ) : (
                ''
              ),
          },
        ]}
      />
    </div>
  )
}

function Retention() {
  const id = useId()
  const admin = useMay('admin')
  const operator = useMay('operator')
  const rules = useQuery({
    queryKey: ['retention'],
    queryFn: () => call<Page<Setting & { setting: string }>>('retention'),
  })
  const [days, setDays] = useState('')
  const [seen, setSeen] = useState<Pruned | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [asking, setAsking] = useState(false)
  const age = days.trim() === '' ? null : Number(days)
  const preview = async () => {
    setProblem(null)
    try {
      setSeen(await call<Pruned>('retention/preview', { body: { older_than_days: age } }))
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  return (
    <section className="card card-body stack" aria-label="Retention">
      <h2>Retention</h2>
      <View query={rules} rows={3}>
        {({ items }) => (
          <dl className="facts">
            {items.map((rule) => (
              <div key={rule.setting} className="fact-row">
                <dt>
                  <code>{rule.setting}</code>
                </dt>
                <dd>
                  {String(rule.value)} <span className="muted">· {rule.origin}</span>
                </dd>
              </div>
            ))}
          </dl>
        )}
      </View>
      {operator && (
        <div className="row">
          <label htmlFor={`${id}days`}>Older than (days)</label>
          <input
            id={`${id}days`}
            className="input narrow"
            type="number"
            min={0}
            step="any"
            placeholder="as set"
            value={days}
            onChange={(event) => {
              setDays(event.target.value)
              setSeen(null)
            }}
          />
          <button type="button" className="button" onClick={() => void preview()}>
            Preview
          </button>
          {admin && seen && seen.jobs.jobs + seen.checkpoints.jobs > 0 && (
            <button type="button" className="button danger" onClick={() => setAsking(true)}>
              Run now …
            </button>
          )}
        </div>
      )}
      {problem && <ProblemNote problem={problem} />}
      {seen && (
        <Note>
          Would delete {plural(seen.jobs.jobs, 'job')} ({bytes(seen.jobs.bytes)}) and what{' '}
          {plural(seen.checkpoints.jobs, 'unfinished job')} saved ({bytes(seen.checkpoints.bytes)}).
          {[...Object.entries(seen.jobs.kept), ...Object.entries(seen.checkpoints.kept)].map(([why, number]) => (
            <div key={why} className="muted">
              Keeps {count(number)}: {why}.
            </div>
          ))}
        </Note>
      )}
      {asking && seen && (
        <Confirm
          title={`Delete ${plural(seen.jobs.jobs, 'job')} for good?`}
          action="Delete them"
          typed={String(seen.jobs.jobs)}
          reason="required"
          onClose={() => setAsking(false)}
          onConfirm={async (reason) => {
            const done = await call<Pruned>('retention/run', {
              body: { older_than_days: age, expect_jobs: seen.jobs.jobs, reason },
            })
            setSeen(null)
            toast(`Deleted: ${plural(done.jobs.jobs, 'job')}`)
          }}
        >
          <p>They are archived if the settings say so, then deleted with their logs and runs. This cannot be undone.</p>
        </Confirm>
      )}
    </section>
  )
}
