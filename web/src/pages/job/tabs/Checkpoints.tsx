import { useQuery } from '@tanstack/react-query'
import { Archive } from 'lucide-react'
import { useActs } from '@/acts/JobActs'
import { call, query } from '@/api/client'
import type { JobDetail, KeptCheckpoint, Page } from '@/api/types'
import { useMay } from '@/app/session'
import { Empty } from '@/parts/Empty'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { bytes, percent } from '@/words/numbers'

/** What it has saved, and from which of it one can go on. */
export function Checkpoints({ job }: { job: JobDetail }) {
  const { act } = useActs()
  const may = useMay('operator')
  const found = useQuery({
    queryKey: ['job-checkpoints', job.id, job.checkpoint_number],
    queryFn: () => call<Page<KeptCheckpoint>>(`checkpoints${query({ job: job.id })}`),
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
            { name: 'size', label: 'Size', kind: 'number', cell: (saved) => bytes(saved.bytes) },
            { name: 'valid', label: 'Valid', cell: (saved) => (saved.is_valid ? 'yes' : 'no, it is damaged') },
            { name: 'pinned', label: 'Pinned', cell: (saved) => (saved.pinned ? 'yes' : 'no') },
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
