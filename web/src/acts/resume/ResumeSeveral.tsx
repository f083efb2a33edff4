import { useState } from 'react'
import type { Job } from '@/api/types'
import { amount } from '@/parts/Bar'
import { Dialog } from '@/parts/Dialog'
import { Note } from '@/parts/Note'
import { plural, shortId } from '@/words/numbers'
import { age } from '@/words/times'
import { ResumeDialog } from './ResumeDialog'
import { resumeOne } from './resumeOne'

interface Props {
  jobs: Job[]
  onClose: () => void
  onDone: () => void
}

interface Left {
  job: Job
  why: string
}

/** The question about several: those that need a decision of their own are left out and listed. */
export function ResumeSeveral({ jobs, onClose, onDone }: Props) {
  const [open, setOpen] = useState<Job | null>(null)
  const [gone, setGone] = useState<ReadonlySet<string>>(new Set())
  const [left, setLeft] = useState<Left[] | null>(null)
  const [done, setDone] = useState(0)
  const [busy, setBusy] = useState(false)
  const shown = jobs.filter((job) => !gone.has(job.id))
  const resumeAll = async () => {
    setBusy(true)
    const needing: Left[] = []
    let resumed = 0
    for (const job of shown) {
      const why = await resumeOne(job)
      if (why === null) resumed += 1
      else needing.push({ job, why })
      setDone(resumed)
    }
    setBusy(false)
    setLeft(needing)
    setGone(
      (old) =>
        new Set([...old, ...shown.filter((job) => !needing.some((one) => one.job.id === job.id)).map(({ id }) => id)]),
    )
    onDone()
  }
  if (open) {
    return (
      <ResumeDialog
        jobId={open.id}
        stay
        onClose={() => setOpen(null)}
        onDone={() => {
          setGone((old) => new Set([...old, open.id]))
          onDone()
        }}
      />
    )
  }
  const rows = left ? left.filter(({ job }) => !gone.has(job.id)) : shown.map((job) => ({ job, why: '' }))
  return (
    <Dialog title={`${plural(jobs.length, 'incomplete job')} found`} onClose={onClose} alert wide>
      {left && (
        <Note tone={left.length ? 'amber' : 'green'} role="status">
          {done} resumed{left.length > 0 && `, ${left.length === 1 ? '1 needs you' : `${left.length} need you`}`}
        </Note>
      )}
      <ul className="several">
        {rows.map(({ job, why }) => (
          <li key={job.id}>
            <button type="button" className="picker-entry" onClick={() => setOpen(job)}>
              <span className="row spread">
                <strong>
                  {job.job_type} <span className="mono muted">{shortId(job.id)}</span>
                </strong>
                <span className="number">
                  {amount(job.progress)}, {age(job.completed_at ?? job.updated_at)}
                </span>
              </span>
              <span className="muted">{why || job.source_id || ''}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="dialog-foot">
        {!left && (
          <button
            type="button"
            className="button primary"
            data-autofocus
            disabled={busy}
            onClick={() => void resumeAll()}
          >
            {busy ? `Resumed ${done} of ${shown.length}` : `Resume all ${shown.length}`}
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          {left ? 'Close' : 'Cancel'}
        </button>
      </div>
      {!left && <p className="muted small">Cancel changes nothing.</p>}
    </Dialog>
  )
}
