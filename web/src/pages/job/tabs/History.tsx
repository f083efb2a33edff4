import { useQuery } from '@tanstack/react-query'
import { call } from '@/api/client'
import type { Change, JobDetail, Page } from '@/api/types'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'

/** Every change: what, when, by whom. */
export function History({ job }: { job: JobDetail }) {
  const found = useQuery({
    queryKey: ['job-history', job.id],
    queryFn: () => call<Page<Change>>(`jobs/${encodeURIComponent(job.id)}/history`),
  })
  return (
    <View query={found} rows={4}>
      {(page) => (
        <Table
          label="History"
          rows={[...page.items].reverse()}
          rowKey={(change) => String(change.seq)}
          columns={[
            { name: 'at', label: 'When', cell: (change) => <Time at={change.at} as="full" /> },
            { name: 'kind', label: 'What', cell: (change) => change.kind.replaceAll('_', ' ') },
            { name: 'actor', label: 'Who', cell: (change) => <span className="mono muted">{actorOf(change)}</span> },
            {
              name: 'data',
              label: 'Details',
              kind: 'wide',
              cell: (change) => (
                <div className="cut muted" title={detailsOf(change)}>
                  {detailsOf(change)}
                </div>
              ),
            },
          ]}
        />
      )}
    </View>
  )
}

function actorOf(change: Change): string {
  const actor = change.actor ?? ''
  return actor.startsWith('wrk_') ? `worker ${actor.slice(-6)}` : actor || 'onward'
}

function detailsOf(change: Change): string {
  return Object.entries(change.data ?? {})
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(', ')
}
