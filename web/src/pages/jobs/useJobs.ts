/** One page of the list, held still: rows change where they are, new ones wait until they are asked for. */
import { useQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { call, query } from '@/api/client'
import { live } from '@/api/live'
import { patched } from '@/api/patches'
import type { Count, Job, Page } from '@/api/types'

const SIZE = 50

export function useJobs(filter: Record<string, string>, after: string | null) {
  const key = JSON.stringify([filter, after])
  const found = useQuery({
    queryKey: ['jobs', key],
    queryFn: ({ signal }) => call<Page<Job>>(`jobs${query({ ...filter, after, limit: SIZE })}`, { signal }),
  })
  const steady = useSteady(key, found.data)
  return { found, ...steady }
}

/** How many there are, counted after the rows have come and under the same filter. */
export function useCount(filter: Record<string, string>, exact: boolean, enabled: boolean) {
  return useQuery({
    queryKey: ['count', JSON.stringify(filter), exact],
    queryFn: async ({ signal }) => {
      const page = await call<Page<Job>>(`jobs${query({ ...filter, limit: 1, count: exact ? 'exact' : 'capped' })}`, {
        signal,
      })
      return (page.count ?? null) as Count | null
    },
    enabled,
    staleTime: 5_000,
  }).data
}

interface Shown {
  key: string
  order: string[]
  rows: Map<string, Job>
}

function useSteady(key: string, page: Page<Job> | undefined) {
  const [shown, setShown] = useState<Shown>({ key: '', order: [], rows: new Map() })
  useEffect(() => {
    if (!page) return
    setShown((old) => {
      const rows = new Map(page.items.map((job) => [job.id, job]))
      if (old.key !== key || old.order.length === 0) return { key, order: [...rows.keys()], rows }
      return { key, order: old.order, rows: new Map([...old.rows, ...rows]) }
    })
  }, [page, key])
  useEffect(
    () =>
      live.onEvents((events) =>
        setShown((old) => {
          const hits = events.filter(({ data }) => data.id && old.rows.has(data.id))
          if (hits.length === 0) return old
          const rows = new Map(old.rows)
          for (const hit of hits) {
            const row = rows.get(hit.data.id ?? '')
            if (row) rows.set(row.id, patched(row, hit))
          }
          return { ...old, rows }
        }),
      ),
    [],
  )
  const current = shown.key === key
  const jobs = useMemo(
    () => (current ? shown.order.flatMap((id) => shown.rows.get(id) ?? []) : (page?.items ?? [])),
    [shown, current, page],
  )
  const known = new Set(current ? shown.order : page?.items.map((job) => job.id))
  const fresh = page?.items.filter((job) => !known.has(job.id)).length ?? 0
  const showFresh = useCallback(() => {
    if (page)
      setShown({ key, order: page.items.map((job) => job.id), rows: new Map(page.items.map((job) => [job.id, job])) })
  }, [page, key])
  return { jobs, fresh, showFresh }
}
