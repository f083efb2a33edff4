import { useQuery } from '@tanstack/react-query'
import { Server } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Page, Queue, Worker } from '@/api/types'
import { useMay } from '@/app/session'
import { Confirm } from '@/parts/Confirm'
import { Code } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Menu } from '@/parts/Menu'
import { MoreButton } from '@/parts/MoreButton'
import { Note } from '@/parts/Note'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { percent, plural, shortId } from '@/words/numbers'
import type { Tone } from '@/words/states'
import { duration } from '@/words/times'

const TONES: Record<string, Tone> = { online: 'green', draining: 'amber', lost: 'red', stopped: 'grey' }

/** Processes that run jobs, and the queues that they serve. */
export function Workers() {
  const workers = useQuery({
    queryKey: ['workers'],
    queryFn: () => call<Page<Worker>>('workers'),
    refetchInterval: 5_000,
  })
  const queues = useQuery({ queryKey: ['queues'], queryFn: () => call<Page<Queue>>('queues'), refetchInterval: 5_000 })
  const admin = useMay('admin')
  const may = useMay('operator')
  const [stop, setStop] = useState<Worker | null>(null)
  const act = useAct('workers', 'queues')
  const menu = (worker: Worker) => (
    <Menu
      trigger={<MoreButton label={`What can be done with ${worker.name}`} />}
      entries={[
        {
          label: 'Drain',
          why: worker.state === 'online' ? null : `It is ${worker.state}`,
          onSelect: () =>
            void act(() => call(`workers/${worker.id}/drain`, { method: 'POST' }), `${worker.name} takes no more jobs`),
        },
        {
          label: 'Stop …',
          why: worker.state === 'online' || worker.state === 'draining' ? null : `It is ${worker.state}`,
          onSelect: () => setStop(worker),
        },
      ]}
    />
  )
  return (
    <>
      <PageHead title="Workers" lead="Processes that run jobs, and the queues that they serve." />
      <div className="stack">
        <View query={workers} rows={3}>
          {({ items }) => (
            <>
              <Mismatches workers={items} queues={queues.data?.items ?? []} />
              <div className="card">
                {items.length === 0 ? (
                  <Empty title="No worker is online" icon={Server}>
                    <p>Queued jobs will wait until one is started:</p>
                    <Code text="onward worker" />
                  </Empty>
                ) : (
                  <Table
                    label="Workers"
                    rows={items}
                    rowKey={(row) => row.id}
                    menu={admin ? menu : undefined}
                    columns={[
                      { name: 'name', label: 'Name', cell: (row) => <strong>{row.name}</strong> },
                      {
                        name: 'state',
                        label: 'State',
                        cell: (row) => (
                          <span className="badge" data-tone={TONES[row.state] ?? 'grey'}>
                            {row.state}
                          </span>
                        ),
                      },
                      {
                        name: 'slots',
                        label: 'Slots',
                        kind: 'number',
                        cell: (row) => `${row.jobs.length}/${row.slots}`,
                      },
                      { name: 'jobs', label: 'Now', kind: 'wide', cell: (row) => <Jobs of={row} /> },
                      { name: 'queues', label: 'Queues', cell: (row) => row.queues.join(', ') || 'all' },
                      { name: 'host', label: 'Host', cell: (row) => `${row.host}, pid ${row.pid}` },
                      { name: 'version', label: 'Version', cell: (row) => row.version },
                      { name: 'seen', label: 'Last sign', cell: (row) => <Time at={row.seen_at} /> },
                      { name: 'started', label: 'Started', cell: (row) => <Time at={row.started_at} /> },
                    ]}
                  />
                )}
              </div>
            </>
          )}
        </View>
        <section className="stack tight" aria-label="Queues">
          <div className="row spread">
            <h2>Queues</h2>
            {may && <AllQueues queues={queues.data?.items ?? []} />}
          </div>
          <View query={queues} rows={2}>
            {({ items }) => <Queues queues={items} />}
          </View>
        </section>
      </div>
      {stop && (
        <Confirm
          title={`Stop ${stop.name}?`}
          action="Stop worker"
          onClose={() => setStop(null)}
          onConfirm={() => act(() => call(`workers/${stop.id}/stop`, { method: 'POST' }), `${stop.name} leaves`)}
        >
          <p>
            {stop.jobs.length
              ? `${plural(stop.jobs.length, 'job')} stop at their next safe point and go on elsewhere. Work since their last checkpoint is done again.`
              : 'It runs nothing now.'}
          </p>
        </Confirm>
      )}
    </>
  )
}

function Jobs({ of }: { of: Worker }) {
  return (
    <span className="row">
      {of.jobs.map((job) => (
        <Link key={job.id} to={`/jobs/${encodeURIComponent(job.id)}`}>
          {job.job_type} {shortId(job.id)} {percent(job.percent)}
        </Link>
      ))}
    </span>
  )
}

function Mismatches({ workers, queues }: { workers: Worker[]; queues: Queue[] }) {
  const lonely = queues.filter((queue) => queue.waiting > 0 && queue.workers === 0)
  const versions = [...new Set(workers.filter((worker) => worker.state === 'online').map((worker) => worker.version))]
  return (
    <>
      {lonely.map((queue) => (
        <Note key={queue.name} tone="amber">
          No worker serves queue <code>{queue.name}</code>: {plural(queue.waiting, 'job')} will wait.
        </Note>
      ))}
      {versions.length > 1 && (
        <Note tone="amber">
          Workers of {versions.length} versions are online: {versions.join(', ')}.
        </Note>
      )}
    </>
  )
}

/** Pause everything at once, for when something is wrong; and let it go on again. */
function AllQueues({ queues }: { queues: Queue[] }) {
  const act = useAct('queues')
  const [asked, setAsked] = useState<Queue[] | null>(null)
  const open = queues.filter((queue) => !queue.paused_by)
  const each = async (chosen: Queue[], verb: 'pause' | 'resume', body: unknown) => {
    for (const queue of chosen) await call(`queues/${encodeURIComponent(queue.name)}/${verb}`, { method: 'POST', body })
  }
  if (queues.length === 0) return null
  return (
    <>
      {open.length > 0 ? (
        <button type="button" className="button small" onClick={() => setAsked(open)}>
          Pause all queues …
        </button>
      ) : (
        <button
          type="button"
          className="button small"
          onClick={() => void act(() => each(queues, 'resume', undefined), `Go on: ${plural(queues.length, 'queue')}`)}
        >
          Resume all queues
        </button>
      )}
      {asked && (
        <Confirm
          title={`Pause ${plural(asked.length, 'queue')}?`}
          action={`Pause ${plural(asked.length, 'queue')}`}
          typed={String(asked.length)}
          reason="optional"
          onClose={() => setAsked(null)}
          onConfirm={(reason) =>
            act(() => each(asked, 'pause', { reason }), `Paused: ${plural(asked.length, 'queue')}`)
          }
        >
          <p>
            No job of {asked.length === 1 ? 'it' : 'them'} begins until somebody resumes{' '}
            {asked.length === 1 ? 'it' : 'them'}: {asked.map((queue) => queue.name).join(', ')}. What runs goes on.
          </p>
        </Confirm>
      )}
    </>
  )
}

function Queues({ queues }: { queues: Queue[] }) {
  const may = useMay('operator')
  const act = useAct('queues')
  const at = (queue: Queue) => `queues/${encodeURIComponent(queue.name)}`
  const resume = (queue: Queue) => act(() => call(`${at(queue)}/resume`, { method: 'POST' }), `Goes on: ${queue.name}`)
  const pause = (queue: Queue) =>
    act(
      () => call(`${at(queue)}/pause`, { body: {} }),
      `Paused: ${queue.name}`,
      () => void resume(queue),
    )
  if (queues.length === 0) {
    return (
      <div className="card">
        <Empty title="No queue is known">
          <p>A queue shows up with its first job or worker.</p>
        </Empty>
      </div>
    )
  }
  return (
    <div className="card">
      <Table
        label="Queues"
        rows={queues}
        rowKey={(row) => row.name}
        columns={[
          { name: 'name', label: 'Queue', cell: (row) => <code>{row.name}</code> },
          { name: 'waiting', label: 'Waiting', kind: 'number', cell: (row) => row.waiting },
          { name: 'running', label: 'Running', kind: 'number', cell: (row) => row.running },
          {
            name: 'oldest',
            label: 'Oldest waits',
            cell: (row) => (row.oldest_seconds === null ? '' : duration(row.oldest_seconds)),
          },
          { name: 'workers', label: 'Workers', kind: 'number', cell: (row) => row.workers },
          {
            name: 'paused',
            label: 'State',
            kind: 'wide',
            cell: (row) =>
              row.paused_by ? (
                <span className="state" data-tone="amber">
                  Paused by {row.paused_by}
                  {row.paused_reason && `: ${row.paused_reason}`}
                </span>
              ) : (
                'open'
              ),
          },
          {
            name: 'act',
            label: '',
            cell: (row) =>
              may && (
                <button
                  type="button"
                  className="button small"
                  onClick={() => void (row.paused_by ? resume(row) : pause(row))}
                >
                  {row.paused_by ? 'Resume' : 'Pause'}
                </button>
              ),
          },
        ]}
      />
    </div>
  )
}
