import { useQuery } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight, Trash2 } from 'lucide-react'
import { useMemo } from 'react'
import { Link, useLocation, useNavigate, useParams } from 'react-router'
import { call, Problem } from '@/api/client'
import type { JobDetail } from '@/api/types'
import { useAddress } from '@/app/address'
import { useKeys } from '@/app/keys'
import { useTitle } from '@/app/title'
import { Empty } from '@/parts/Empty'
import { Bones } from '@/parts/Loading'
import { Tabs } from '@/parts/Tabs'
import { View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import { neighbours } from '../jobs/neighbours'
import { JobHead } from './JobHead'
import { Checkpoints } from './tabs/Checkpoints'
import { Durations } from './tabs/Durations'
import { Errors } from './tabs/Errors'
import { History } from './tabs/History'
import { Log } from './tabs/Log'
import { Related } from './tabs/Related'
import { Timeline } from './tabs/Timeline'
import { Values } from './tabs/Values'

/** One job, with all that is known of it. */
export function JobPage() {
  const { id = '' } = useParams()
  const [search, setSearch] = useAddress()
  const navigate = useNavigate()
  const location = useLocation()
  const found = useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => call<JobDetail>(`jobs/${encodeURIComponent(id)}`, { signal }),
    retry: (times, error) => times < 2 && error instanceof Problem && error.status === 0,
  })
  const job = found.data
  useTitle(job ? `${job.job_type} ${shortId(job.id)}` : 'Job')
  const { before, after } = neighbours(job?.id ?? id)
  const keys = useMemo(() => {
    // From the address, which is ahead of what is drawn while the next job is fetched: two presses are two steps.
    const go = (way: 'before' | 'after') => () => {
      const asked = decodeURIComponent(window.location.pathname.split('/').at(-1) ?? '')
      const other = neighbours(asked)[way]
      if (other) void navigate({ pathname: `/jobs/${encodeURIComponent(other)}`, search: location.search })
    }
    return { '[': go('before'), ']': go('after') }
  }, [navigate, location.search])
  useKeys(keys)
  if (found.isPending) return <Bones rows={6} />
  if (found.error instanceof Problem && found.error.status === 404) return <Gone id={id} problem={found.error} />
  return (
    <View query={found}>
      {(shown) => (
        <div className="stack">
          <div className="row spread crumbs">
            <Link to="/jobs">Jobs</Link>
            {(before || after) && (
              <span className="row">
                <Neighbour id={before} label="Previous job of the list ([)" icon={ChevronLeft} />
                <Neighbour id={after} label="Next job of the list (])" icon={ChevronRight} />
              </span>
            )}
          </div>
          <JobHead job={shown} />
          <section className="card" aria-label="Details">
            <Tabs
              label="Details of the job"
              value={search.get('tab') ?? 'timeline'}
              onChange={(tab) =>
                setSearch(
                  (old) => {
                    old.set('tab', tab)
                    return old
                  },
                  { replace: true },
                )
              }
              tabs={[
                { name: 'timeline', label: 'Timeline', content: () => <Timeline job={shown} /> },
                { name: 'durations', label: 'Durations', content: () => <Durations key={shown.id} job={shown} /> },
                { name: 'log', label: 'Log', content: () => <Log key={shown.id} job={shown} /> },
                { name: 'values', label: 'Inputs and result', content: () => <Values job={shown} /> },
                { name: 'checkpoints', label: 'Checkpoints', content: () => <Checkpoints job={shown} /> },
                { name: 'errors', label: 'Errors', count: errorCount(shown), content: () => <Errors job={shown} /> },
                { name: 'history', label: 'History', content: () => <History key={shown.id} job={shown} /> },
                { name: 'related', label: 'Related', content: () => <Related key={shown.id} job={shown} /> },
              ]}
            />
          </section>
        </div>
      )}
    </View>
  )
}

function errorCount(job: JobDetail): number {
  return job.runs.filter((run) => run.error).length
}

function Neighbour({ id, label, icon: Icon }: { id: string | undefined; label: string; icon: typeof ChevronLeft }) {
  const location = useLocation()
  if (!id) {
    return (
      <button type="button" className="button small quiet icon" disabled aria-label={label}>
        <Icon size={16} aria-hidden="true" />
      </button>
    )
  }
  return (
    <Link
      className="button small quiet icon"
      aria-label={label}
      title={label}
      to={{ pathname: `/jobs/${encodeURIComponent(id)}`, search: location.search }}
    >
      <Icon size={16} aria-hidden="true" />
    </Link>
  )
}

/** Nothing is at this id: it never was, or its record has been deleted. */
function Gone({ id, problem }: { id: string; problem: Problem }) {
  const was = problem.record.deleted as { by?: string; at?: string } | undefined
  return (
    <Empty title={`There is no job ${shortId(id)}`} icon={Trash2}>
      <p>{was?.by ? `It was deleted by ${was.by}.` : problem.message}</p>
      <p className="mono cut">{id}</p>
      <Link className="button" to="/jobs">
        All jobs
      </Link>
    </Empty>
  )
}
