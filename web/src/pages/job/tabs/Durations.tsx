import { useQuery } from '@tanstack/react-query'
import { ChartColumn } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { call, query } from '@/api/client'
import type { Job, JobDetail, Page } from '@/api/types'
import { Empty } from '@/parts/Empty'
import { Bones } from '@/parts/Loading'
import { View } from '@/parts/View'
import { plural } from '@/words/numbers'
import { type Kind, lengthOf } from './lengths'

const Histogram = lazy(async () => ({ default: (await import('@/plots/Histogram')).Histogram }))
const NEWEST = 200
const KINDS: [Kind, string][] = [
  ['ran', 'Running'],
  ['waited', 'Waiting'],
]

/** How long jobs of this type take, or wait: the newest that have ended, with this one marked. */
export function Durations({ job }: { job: JobDetail }) {
  const [kind, setKind] = useState<Kind>('ran')
  const found = useQuery({
    queryKey: ['durations', job.job_type],
    queryFn: ({ signal }) =>
      call<Page<Job>>(`jobs${query({ job_type: job.job_type, state: 'succeeded,failed', limit: NEWEST })}`, { signal }),
    staleTime: 60_000,
  })
  return (
    <div className="stack">
      <fieldset className="segments" aria-label="What is counted">
        {KINDS.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={kind === name} onClick={() => setKind(name)}>
            {label}
          </button>
        ))}
      </fieldset>
      <View query={found} rows={5}>
        {({ items }) => {
          const known = items.flatMap((one) => {
            const seconds = lengthOf(one, kind)
            return seconds === null ? [] : [{ seconds, isFailed: one.state === 'failed' }]
          })
          if (known.length === 0) {
            return (
              <Empty title="No job of this type has ended yet" icon={ChartColumn}>
                <p>With the first that ends it is shown here how long they take.</p>
              </Empty>
            )
          }
          return (
            <>
              <p className="muted small">
                {plural(known.length, 'job')} of {job.job_type}, the newest that have ended.
              </p>
              <Suspense fallback={<Bones rows={4} />}>
                <Histogram known={known} mark={lengthOf(job, kind)} />
              </Suspense>
            </>
          )
        }}
      </View>
    </div>
  )
}
