import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { call } from '@/api/client'
import { live } from '@/api/live'
import type { CurvePoint, JobDetail, Page } from '@/api/types'
import { Bones } from '@/parts/Loading'
import { View } from '@/parts/View'

const ProgressCurve = lazy(async () => ({ default: (await import('@/plots/ProgressCurve')).ProgressCurve }))
const EVERY_MS = 5_000
const LEAST = 3

/** How far it was, and when; nothing for a job that took a moment. */
export function Progress({ job }: { job: JobDetail }) {
  const found = useQuery({
    queryKey: ['curve', job.id, job.state],
    queryFn: ({ signal }) => call<Page<CurvePoint>>(`jobs/${encodeURIComponent(job.id)}/curve`, { signal }),
    refetchInterval: () => (job.state === 'running' && !live.isPaused() ? EVERY_MS : false),
    placeholderData: (old) => old,
    enabled: job.started_at !== null,
  })
  if (!found.data && !found.error) return null
  return (
    <View query={found} rows={4}>
      {({ items }) =>
        items.length < LEAST ? null : (
          <section className="stack tight" aria-label="Progress over time">
            <h2>Progress</h2>
            <Suspense fallback={<Bones rows={4} />}>
              <ProgressCurve job={job} points={items} />
            </Suspense>
          </section>
        )
      }
    </View>
  )
}
