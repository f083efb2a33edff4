import { useQuery } from '@tanstack/react-query'
import { Archive } from 'lucide-react'
import { useActs } from '@/acts/JobActs'
import { call, Problem } from '@/api/client'
import type { CheckpointRecord, JobDetail, Page } from '@/api/types'
import { useMay } from '@/app/session'
import { Empty } from '@/parts/Empty'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { bytes, percent } from '@/words/numbers'

/** Those that the server lists; where it lists none, the newest, which the job itself names. */
async function checkpointsOf(job: JobDetail): Promise<Page<CheckpointRecord>> {
  try {
    return await call<Page<CheckpointRecord>>(`jobs/${encodeURIComponent(job.id)}/checkpoints`)
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404 || !job.checkpoint_at) throw error
    const newest = { number: job.checkpoint_number ?? 1, saved_at: job.checkpoint_at, percent: job.progress.percent }
    return { items: [newest], next: null, prev: null }
  }
}

/** What it has saved, and from which of it one can go on. */
export function Checkpoints({ job }: { job: JobDetail }) {
  const { act } = useActs()
  const may = useMay('operator')
  const found = useQuery({
    queryKey: ['job-checkpoints', job.id, job.checkpoint_number],
    queryFn: () => checkpointsOf(job),
    enabled: job.has_checkpoint,
  })
  if (!job.has_checkpoint) {
    return (
      <Empty title="No checkpoints" icon={Archive}>
        <p>
          {job.state === 'succeeded' ? (
            'What a job has saved is dropped when it succeeds.'
          ) : (
            <>
              A job saves as it goes over <code>ctx.each(…)</code> and where it calls <code>ctx.checkpoint()</code>.
              This one has not yet.
            </>
          )}
        </p>
      </Empty>
    )
  }
  const canResume = may && job.actions.resume?.allowed
  return (
    <View query={found} rows={2}>
      {(page) => (
        <Table
          label="Checkpoints"
          rows={page.items}
          rowKey={(saved) => String(saved.number)}
          columns={[
            { name: 'number', label: 'Number', cell: (saved) => saved.number },
            { name: 'at', label: 'Saved', cell: (saved) => <Time at={saved.saved_at} as="full" /> },
            { name: 'percent', label: 'Percent', kind: 'number', cell: (saved) => percent(saved.percent) },
            {
              name: 'size',
              label: 'Size',
              kind: 'number',
              cell: (saved) => (saved.bytes == null ? '–' : bytes(saved.bytes)),
            },
            { name: 'code', label: 'Code', cell: (saved) => (saved.version == null ? '–' : `v${saved.version}`) },
            {
              name: 'valid',
              label: 'Valid',
              cell: (saved) => (saved.valid === false ? (saved.why_not ?? 'no') : 'yes'),
            },
            {
              name: 'act',
              label: 'What can be done',
              cell: (saved) =>
                canResume && saved.number === job.checkpoint_number ? (
                  <button type="button" className="button small" onClick={() => act(job, 'resume')}>
                    Resume from here
                  </button>
                ) : null,
            },
          ]}
        />
      )}
    </View>
  )
}
