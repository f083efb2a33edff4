import { useId, useRef, useState } from 'react'
import { Link } from 'react-router'
import type { Problem } from '@/api/client'
import type { ResumeFacts } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { Note, ProblemNote } from '@/parts/Note'
import { Time } from '@/parts/Time'
import { Tip } from '@/parts/Tip'
import { asProblem } from '@/parts/View'
import { about, absolute } from '@/words/times'
import { ResumeBody } from './ResumeBody'
import { asksTwice, doubtOf, far, keptDays, titleOf, VERY_MUCH_SECONDS } from './words'

interface Props {
  facts: ResumeFacts
  /** Begin with the second step of "Start fresh" where there is one. */
  startFresh?: boolean
  onResume: () => Promise<unknown>
  /** `keep`: as a new job, beside what this one has saved; asked only where `canKeep` says so. */
  onFresh: (keep: boolean) => Promise<unknown>
  canKeep?: boolean
  onClose: () => void
  /** What somebody faster did: the dialog then says so and offers nothing else. */
  overtaken: { by: string; at: string; what: string } | null
}

/** The question about unfinished work. It never guesses: Resume is the default only where it is the same work. */
export function ResumeQuestion({
  facts,
  startFresh = false,
  onResume,
  onFresh,
  canKeep = false,
  onClose,
  overtaken,
}: Props) {
  const [sure, setSure] = useState(startFresh && asksTwice(facts))
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const run = async (what: () => Promise<unknown>) => {
    if (running.current) return
    running.current = true
    setBusy(true)
    setProblem(null)
    try {
      await what()
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      running.current = false
      setBusy(false)
    }
  }
  const title = (
    <Tip text={`Stopped ${absolute(facts.stopped_at, 'local')}`}>
      <span>{titleOf(facts)}</span>
    </Tip>
  )
  if (overtaken) {
    return (
      <Dialog title={title} onClose={onClose} alert>
        <p role="status">
          {overtaken.what} by {overtaken.by} <Time at={overtaken.at} />:{' '}
          <Link to={`/jobs/${encodeURIComponent(facts.job_id)}`} onClick={onClose}>
            View job
          </Link>
        </p>
      </Dialog>
    )
  }
  if (sure) {
    return (
      <FreshStep
        facts={facts}
        busy={busy}
        problem={problem}
        onBack={() => setSure(false)}
        onClose={onClose}
        onFresh={(keep) => void run(() => onFresh(keep))}
        canKeep={canKeep && facts.checkpoint !== null}
      />
    )
  }
  const isDefault = facts.default === 'resume' && facts.can_resume
  const kept = facts.checkpoint?.kept_until
  return (
    <Dialog title={title} onClose={onClose} alert>
      <ResumeBody facts={facts} />
      {problem && <ProblemNote problem={problem} />}
      <div className="stack tight">
        <div className="dialog-foot">
          <button
            type="button"
            className={isDefault ? 'button primary' : 'button'}
            data-autofocus={isDefault || undefined}
            disabled={busy || !facts.can_resume}
            onClick={() => void run(onResume)}
          >
            Resume from {far(facts).replace(' done', '')}
          </button>
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() => (asksTwice(facts) ? setSure(true) : void run(() => onFresh(false)))}
          >
            Start fresh
          </button>
          <button type="button" className="button" data-autofocus={isDefault ? undefined : true} onClick={onClose}>
            Cancel
          </button>
        </div>
        <p className="muted small">
          Cancel changes nothing.
          {kept && (
            <>
              {' '}
              The checkpoint is kept until <Time at={kept} as="full" />.
            </>
          )}
        </p>
      </div>
    </Dialog>
  )
}

interface FreshProps {
  facts: ResumeFacts
  busy: boolean
  problem: Problem | null
  onBack: () => void
  onClose: () => void
  onFresh: (keep: boolean) => void
  canKeep: boolean
}

/** The second step: what is discarded; above half an hour of work the job type must be typed. */
function FreshStep({ facts, busy, problem, onBack, onClose, onFresh, canKeep }: FreshProps) {
  const [text, setText] = useState('')
  const [keeps, setKeeps] = useState(true)
  const id = useId()
  const typed = facts.lost_seconds > VERY_MUCH_SECONDS
  const ready = !typed || text.trim() === facts.job_type
  return (
    <Dialog title={`Discards ${far(facts)} (${about(facts.lost_seconds)})`} onClose={onClose} alert>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (ready && !busy) onFresh(keeps && canKeep)
        }}
      >
        <p>
          {facts.job_type} begins again from 0
          {keeps && canKeep
            ? ', as a new job. This one stays as it is, and can be resumed as long as its checkpoints are kept.'
            : '. What it had saved is dropped; the record and the log of what it did so far are kept.'}
        </p>
        {canKeep && (
          <label className="row tight">
            <input type="checkbox" checked={keeps} onChange={(event) => setKeeps(event.target.checked)} />
            Keep the old checkpoints {keptDays(facts)}
          </label>
        )}
        {facts.in_doubt.length > 0 && (
          <Note tone="amber">
            May have happened already, and is done again without a question: {facts.in_doubt.map(doubtOf).join(', ')}.
          </Note>
        )}
        {typed && (
          <div className="field">
            <label htmlFor={id}>
              Type <code>{facts.job_type}</code> to go on
            </label>
            <input
              id={id}
              className="input"
              autoComplete="off"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
        {problem && <ProblemNote problem={problem} />}
        <div className="dialog-foot">
          <button type="submit" className="button danger" disabled={busy || !ready}>
            Discard and start fresh
          </button>
          <button type="button" className="button" data-autofocus onClick={onBack}>
            Back
          </button>
        </div>
      </form>
    </Dialog>
  )
}
