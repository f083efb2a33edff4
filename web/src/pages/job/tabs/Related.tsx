import { useQuery } from '@tanstack/react-query'
import { Network } from 'lucide-react'
import { Link } from 'react-router'
import { call } from '@/api/client'
import type { JobDetail, Page, Relative } from '@/api/types'
import { Empty } from '@/parts/Empty'
import { State } from '@/parts/State'
import { Table } from '@/parts/Table'
import { View } from '@/parts/View'
import { shortId } from '@/words/numbers'

/** Its parent, its parts, who goes on in its place, and where it came from. */
export function Related({ job }: { job: JobDetail }) {
  const found = useQuery({
    queryKey: ['job', job.id, 'related'],
    queryFn: () => call<Page<Relative>>(`jobs/${encodeURIComponent(job.id)}/related`),
  })
  const roleOf = (other: Relative) =>
    other.id === job.parent?.id
      ? 'It is part of this'
      : job.followers.some(({ id }) => id === other.id)
        ? 'Goes on in its place'
        : 'Part of it'
  return (
    <View query={found} rows={3}>
      {(page) =>
        page.items.length === 0 && !job.schedule ? (
          <Empty title="It stands alone" icon={Network}>
            <p>Phases of a chain, ranges, schedules and jobs that go on in its place are listed here.</p>
          </Empty>
        ) : (
          <div className="stack">
            {job.schedule && (
              <p>
                Started by the schedule{' '}
                <Link to={`/schedules/${encodeURIComponent(job.schedule)}`}>{job.schedule}</Link>
              </p>
            )}
            {page.items.length > 0 && (
              <Table
                label="Related jobs"
                rows={page.items}
                rowKey={(other) => other.id}
                columns={[
                  { name: 'role', label: 'How', cell: roleOf },
                  {
                    name: 'job',
                    label: 'Job',
                    cell: (other) => (
                      <Link className="main-link" to={`/jobs/${encodeURIComponent(other.id)}`}>
                        {other.job_type} <span className="mono muted">{shortId(other.id)}</span>
                      </Link>
                    ),
                  },
                  { name: 'state', label: 'State', cell: (other) => <State state={other.state} /> },
                ]}
              />
            )}
          </div>
        )
      }
    </View>
  )
}
