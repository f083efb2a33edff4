import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { useActs } from '@/acts/JobActs'
import { ResumeSeveral } from '@/acts/resume/ResumeSeveral'
import { call } from '@/api/client'
import type { Job, Page } from '@/api/types'
import { useMay } from '@/app/session'
import { amount, Bar } from '@/parts/Bar'
import { Empty } from '@/parts/Empty'
import { PageHead } from '@/parts/PageHead'
import { type Column, Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { plural, shortId } from '@/words/numbers'
import { about } from '@/words/times'
import { JobLink } from '../jobs/columns'

/** What was cut off and has not gone on. Everything here has a checkpoint. */
export function Interrupted() {
  const queries = useQueryClient()
  const { act } = useActs()
  const may = useMay('operator')
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [several, setSeveral] = useState<Job[] | null>(null)
  const found = useQuery({
    queryKey: ['interrupted'],
    queryFn: ({ signal }) => call<Page<Job>>('jobs?state=interrupted&limit=200', { signal }),
  })
  const jobs = found.data?.items ?? []
  const chosen = jobs.filter((job) => selected.has(job.id))
  const columns: Column<Job>[] = [
    {
      name: 'job',
      label: 'Job',
      cell: (job) => (
        <span className="two-lines">
          <JobLink job={job} />
          {job.source_id && <span className="muted cut">{job.source_id}</span>}
        </span>
      ),
    },
    {
      name: 'percent',
      label: 'How far',
      cell: (job) => (
        <span className="progress">
          <Bar
            value={job.progress.percent}
            state="interrupted"
            label={`How far ${job.job_type} ${shortId(job.id)} was`}
          />
          <span>{amount(job.progress)}</span>
        </span>
      ),
    },
    { name: 'stopped', label: 'Stopped', cell: (job) => <Time at={job.completed_at ?? job.updated_at} /> },
    {
      name: 'why',
      label: 'Why',
      kind: 'wide',
      cell: (job) => (
        <div className="cut muted" title={whyOf(job)}>
          {whyOf(job)}
        </div>
      ),
    },
    { name: 'saved', label: 'Checkpoint', cell: (job) => (job.checkpoint_at ? <Time at={job.checkpoint_at} /> : '–') },
    { name: 'redo', label: 'To redo', kind: 'number', cell: (job) => <span className="muted">{redoOf(job)}</span> },
    ...(may
      ? [
          {
            name: 'act',
            label: 'What can be done',
            cell: (job: Job) => (
              <span className="row acts">
                <button
                  type="button"
                  className="button small primary"
                  aria-label={`Resume ${job.job_type} ${shortId(job.id)}`}
                  onClick={() => act(job, 'resume')}
                >
                  Resume
                </button>
                <button
                  type="button"
                  className="button small"
                  aria-label={`Start fresh ${job.job_type} ${shortId(job.id)}`}
                  onClick={() => act(job, 'fresh')}
                >
                  Start fresh
                </button>
                {!job.acknowledged_by && (
                  <button
                    type="button"
                    className="button small"
                    aria-label={`Acknowledge ${job.job_type} ${shortId(job.id)}`}
                    onClick={() => act(job, 'ack')}
                  >
                    Acknowledge
                  </button>
                )}
              </span>
            ),
          },
        ]
      : []),
  ]
  return (
    <>
      <PageHead
        title="Interrupted"
        lead="Jobs that ended or lost their worker with a checkpoint left, and have not gone on."
      >
        {may && jobs.length > 1 && (
          <button
            type="button"
            className="button primary"
            onClick={() => setSeveral(chosen.length > 0 ? chosen : jobs)}
          >
            Resume {chosen.length > 0 ? plural(chosen.length, 'job') : `all ${jobs.length}`}
          </button>
        )}
      </PageHead>
      <section className="card" aria-label="Interrupted jobs">
        <View query={found} rows={4}>
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="Nothing was interrupted." icon={ShieldCheck} />
            ) : (
              <Table
                label="Interrupted jobs"
                rows={page.items}
                columns={columns}
                rowKey={(job) => job.id}
                rowName={(job) => `${job.job_type} ${shortId(job.id)}`}
                selected={selected}
                onSelect={
                  may
                    ? (keys, on) =>
                        setSelected((old) => {
                          const next = new Set(old)
                          for (const key of keys) on ? next.add(key) : next.delete(key)
                          return next
                        })
                    : undefined
                }
              />
            )
          }
        </View>
      </section>
      {several && (
        <ResumeSeveral
          jobs={several}
          onClose={() => setSeveral(null)}
          onDone={() => {
            setSelected(new Set())
            for (const key of ['interrupted', 'badges', 'jobs', 'overview'])
              void queries.invalidateQueries({ queryKey: [key] })
          }}
        />
      )}
    </>
  )
}

function whyOf(job: Job): string {
  if (job.error) return `${job.error.type}: ${job.error.message}`
  if (job.status === 'cancelled') return 'It was cancelled'
  return job.waiting_reason?.text ?? 'Its worker was lost'
}

function redoOf(job: Job): string {
  if (!job.checkpoint_at) return '–'
  const end = Date.parse(job.completed_at ?? job.updated_at)
  return about(Math.max(0, (end - Date.parse(job.checkpoint_at)) / 1000))
}
