/** The lines of a job: the newest at once, later ones as they come, earlier ones on demand. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { call, type Problem, query } from '@/api/client'
import { live } from '@/api/live'
import type { JobDetail, LogLine, Page } from '@/api/types'
import { asProblem } from '@/parts/View'
import { ENDED } from '@/words/states'

const MOST = 1_000
const EVERY_MS = 1_500

export function useLog(job: JobDetail) {
  const [lines, setLines] = useState<LogLine[]>([])
  const [problem, setProblem] = useState<Problem | null>(null)
  const [isLoading, setLoading] = useState(true)
  const [earlier, setEarlier] = useState(false)
  const known = useRef<LogLine[]>([])
  const path = `jobs/${encodeURIComponent(job.id)}/logs`
  const ended = ENDED.has(job.state)

  const add = useCallback((more: LogLine[]) => {
    if (more.length === 0) return
    const seqs = new Set(known.current.map((line) => line.seq))
    known.current = [...known.current, ...more.filter((line) => !seqs.has(line.seq))].sort(
      (one, other) => one.seq - other.seq,
    )
    setLines(known.current)
  }, [])

  useEffect(() => {
    let stopped = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (first: boolean) => {
      if (live.isPaused() && !first) {
        timer = setTimeout(() => void look(false), EVERY_MS)
        return
      }
      const last = known.current.at(-1)?.seq
      try {
        const page = await call<Page<LogLine>>(
          `${path}${query(last === undefined ? { before: Number.MAX_SAFE_INTEGER, limit: MOST } : { after: last, limit: MOST })}`,
        )
        if (stopped) return
        if (last === undefined) setEarlier(Boolean(page.prev))
        add(page.items)
        setProblem(null)
      } catch (error) {
        if (!stopped && first) setProblem(asProblem(error))
      }
      if (stopped) return
      setLoading(false)
      if (!ended) timer = setTimeout(() => void look(false), EVERY_MS)
    }
    void look(known.current.length === 0)
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }, [path, ended, add])

  const loadEarlier = useCallback(async () => {
    const first = known.current[0]?.seq
    if (first === undefined) return
    try {
      const page = await call<Page<LogLine>>(`${path}${query({ before: first, limit: MOST })}`)
      setEarlier(Boolean(page.prev))
      add(page.items)
    } catch (error) {
      setProblem(asProblem(error))
    }
  }, [path, add])

  return { lines, problem, isLoading, earlier, loadEarlier: () => void loadEarlier() }
}
