import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call, Problem, query } from '@/api/client'
import type { DueTime } from '@/api/types'
import { Note } from '@/parts/Note'
import { wall } from './words'

interface Props {
  cron?: string | undefined
  seconds?: number | undefined
  timezone: string
}

/** The next ten due times of a rule that is being written, as the server works them out, clock changes included. */
export function Preview({ cron, seconds, timezone }: Props) {
  const wish = query({ cron, interval_seconds: seconds, timezone, count: 10 })
  const [settled, setSettled] = useState(wish)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(wish), 300)
    return () => clearTimeout(timer)
  }, [wish])
  const found = useQuery({
    queryKey: ['schedule-preview', settled],
    queryFn: ({ signal }) => call<DueTime[]>(`schedules/preview${settled}`, { signal }),
    enabled: Boolean(cron || seconds),
    placeholderData: keepPreviousData,
    retry: false,
  })
  if (found.error) {
    const text = found.error instanceof Problem ? found.error.record : null
    return (
      <Note tone="red" role="alert">
        {found.error.message}
        {text?.hint && <div className="muted">{text.hint}</div>}
      </Note>
    )
  }
  if (!found.data || !(cron || seconds)) return null
  return (
    <section className="stack tight" aria-label="Next runs">
      <h3>Next runs, {timezone}</h3>
      <ol className="due-list">
        {found.data.map((due) => (
          <li key={due.at}>
            <time dateTime={due.at} className="number">
              {wall(due.local)}
            </time>
            {due.note && (
              <span className="state" data-tone="amber">
                {due.note}
              </span>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
