import { useId, useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { Schedule } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { Note, ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { plural } from '@/words/numbers'
import { at } from './words'

/** Jobs for due times of a range that have none; how many is shown before any is made. */
export function Backfill({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const id = useId()
  const [start, setStart] = useState('')
  const [end, setEnd] = useState('')
  const [count, setCount] = useState<number | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const ask = async (dry: boolean) => {
    setProblem(null)
    try {
      const body = { start: new Date(start).toISOString(), end: new Date(end).toISOString(), dry_run: dry }
      const found = await call<{ due: string[] }>(`${at(schedule.name)}/backfill`, { body })
      if (dry) setCount(found.due.length)
      else {
        toast(`${plural(found.due.length, 'job')} submitted`)
        onClose()
      }
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  const range = (name: string, value: string, set: (value: string) => void) => (
    <div className="field">
      <label htmlFor={`${id}${name}`}>{name}</label>
      <input
        id={`${id}${name}`}
        className="input"
        type="datetime-local"
        required
        value={value}
        onChange={(event) => {
          set(event.target.value)
          setCount(null)
        }}
      />
    </div>
  )
  return (
    <Dialog title={`Backfill ${schedule.name}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void ask(count === null)
        }}
      >
        <div className="form-grid">
          {range('From', start, setStart)}
          {range('Until', end, setEnd)}
        </div>
        <span className="muted small">Times are in the zone of this browser.</span>
        {count !== null && (
          <Note>
            {count === 0
              ? 'Every due time in this range has its job already.'
              : `${plural(count, 'due time')} without a job. They queue, ${plural(schedule.max_instances, 'at a time', 'at a time')}.`}
          </Note>
        )}
        {problem && <ProblemNote problem={problem} />}
        <div className="dialog-foot">
          <button type="submit" className="button primary" disabled={!start || !end || count === 0}>
            {count ? `Submit ${plural(count, 'job')}` : 'Count'}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}
