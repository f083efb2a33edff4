import { useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { Schedule } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { Note, ProblemNote } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { plural } from '@/words/numbers'
import { at } from './words'

/** Jobs for due times of a range that have none; how many is shown before any is made. */
export function Backfill({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
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
  const anew = (set: (value: string) => void) => (value: string) => {
    set(value)
    setCount(null)
  }
  return (
    <FormDialog
      title={`Backfill ${schedule.name}`}
      submit={count ? `Submit ${plural(count, 'job')}` : 'Count'}
      disabled={!start || !end || count === 0}
      onSubmit={() => void ask(count === null)}
      onClose={onClose}
    >
      <div className="form-grid">
        <TextField label="From" type="datetime-local" required value={start} onChange={anew(setStart)} />
        <TextField label="Until" type="datetime-local" required value={end} onChange={anew(setEnd)} />
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
    </FormDialog>
  )
}
