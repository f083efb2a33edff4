import { useEffect, useRef, useState } from 'react'
import type { JobDetail } from '@/api/types'
import { useNow } from '@/app/clock'
import { amount, Bar } from '@/parts/Bar'
import { Note } from '@/parts/Note'
import { count, shortId } from '@/words/numbers'
import { duration, etaRange } from '@/words/times'

const ETA_AFTER_PERCENT = 5
const ETA_AFTER_SECONDS = 30
const QUIET_SECONDS = 60

/** The bar, what it counts, how fast, and how long still; said only where it is known. */
export function JobProgress({ job }: { job: JobDetail }) {
  const now = useNow()
  const { grown, quietFor } = useWatch(job, now)
  const { percent, done, total, rate, eta_seconds: eta, message } = job.progress
  const isRunning = job.state === 'running'
  if (percent === null && done === null && !isRunning) return null
  const ran = job.started_at ? (now - Date.parse(job.started_at)) / 1000 : 0
  const showEta = isRunning && eta !== null && ((percent ?? 0) >= ETA_AFTER_PERCENT || ran >= ETA_AFTER_SECONDS)
  const facts = [
    done !== null && (total ? `${count(done)} of ${count(total)}` : `${count(done)} done`),
    isRunning && rate !== null && rate > 0 && `${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1)}/s`,
    showEta && `${etaRange(eta)} left`,
    job.progress.phase,
  ].filter(Boolean)
  return (
    <div className="job-progress">
      <div className="job-bar">
        <Bar value={percent} state={job.state} large label={`Progress of ${job.job_type} ${shortId(job.id)}`} />
        <strong className="number">{percent === null ? '' : amount({ percent, done: null, total: null })}</strong>
      </div>
      <div className="row spread small">
        <span className="number muted">{facts.join(' · ')}</span>
        {isRunning && message && <span className="muted cut">{message}</span>}
      </div>
      {grown && <p className="small muted">total grew {grown}</p>}
      {isRunning && quietFor > 0 && <Note tone="amber">No progress for {duration(quietFor)}</Note>}
    </div>
  )
}

/** Watches progress: whether the total grew, and whether it has been quiet for longer than is usual. */
function useWatch(job: JobDetail, now: number) {
  const seen = useRef({ id: job.id, mark: '', at: Date.parse(job.updated_at), gap: 0, total: job.progress.total })
  const [grown, setGrown] = useState('')
  const { percent, done, total, message } = job.progress
  const mark = `${percent}/${done}/${message}`
  useEffect(() => {
    const last = seen.current
    if (last.id !== job.id || last.mark === '') {
      seen.current = { id: job.id, mark, at: Date.parse(job.updated_at), gap: 0, total }
      setGrown('')
      return
    }
    if (last.mark === mark) return
    const at = Date.now()
    const gap = (at - last.at) / 1000
    if (total !== null && last.total !== null && total > last.total) setGrown(`${count(last.total)} to ${count(total)}`)
    seen.current = { id: job.id, mark, at, gap: last.gap ? last.gap * 0.8 + gap * 0.2 : gap, total }
  }, [mark, job.id, job.updated_at, total])
  const quiet = (now - seen.current.at) / 1000
  return { grown, quietFor: quiet > Math.max(QUIET_SECONDS, seen.current.gap * 10) ? quiet : 0 }
}
