/** What the server thinks of a chain, asked again a moment after each change. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '@/api/client'
import type { ChainReport } from '@/api/types'
import { type Plan, sent } from './plan'

const PAUSE_MS = 400

export function useCheck(plan: Plan) {
  const wish = JSON.stringify({ phases: sent(plan.phases), source_id: plan.source.trim() || null })
  const [settled, setSettled] = useState(wish)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wish), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [wish])
  const found = useQuery({
    queryKey: ['chain-check', settled],
    queryFn: ({ signal }) =>
      call<ChainReport>('chains/validate', { method: 'POST', body: JSON.parse(settled), signal }),
    enabled: plan.phases.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    refetchOnWindowFocus: false,
  })
  return {
    report: plan.phases.length ? found.data : undefined,
    isChecking: settled !== wish || found.isFetching,
    found,
  }
}
