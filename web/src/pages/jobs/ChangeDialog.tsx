import { useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { call, type Problem } from '@/api/client'
import type { Job, Operation } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { Note, ProblemNote } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { asProblem } from '@/parts/View'
import { plural } from '@/words/numbers'
import { whichOf } from './which'

interface Props {
  /** The chosen jobs; null means all that the filter matches. */
  jobs: Job[] | null
  filter: Record<string, string>
  onClose: () => void
}

const WAITING = new Set(['queued', 'scheduled', 'blocked', 'retrying', 'paused'])

/** Whether a job waits to be run, so that it can be changed. */
export function isChangeable(job: Job): boolean {
  return WAITING.has(job.state)
}

/** Priority, queue and tags of many jobs that wait; what is left empty stays as it is. */
export function ChangeDialog({ jobs, filter, onClose }: Props) {
  const navigate = useNavigate()
  const before = useRef(new Date().toISOString()).current
  const [chosen] = useState(jobs)
  const [priority, setPriority] = useState('')
  const [queue, setQueue] = useState('')
  const [tags, setTags] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const more = tags.split(',').flatMap((tag) => tag.trim() || [])
  const change = {
    ...(priority.trim() ? { priority: Number(priority) } : {}),
    ...(queue.trim() ? { queue: queue.trim() } : {}),
    ...(more.length > 0 ? { add_tags: more } : {}),
  }
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const ids = chosen?.map((job) => job.id) ?? null
      const started = await call<Operation>('operations', {
        body: { action: 'change', change, ...whichOf(ids, filter, before) },
      })
      void navigate(`/operations/${encodeURIComponent(started.id ?? '')}`)
    } catch (error) {
      setProblem(asProblem(error))
      setBusy(false)
    }
  }
  const skipped = chosen ? chosen.filter((job) => !isChangeable(job)).length : 0
  const what = chosen ? plural(chosen.length - skipped, 'job') : 'all that match'
  return (
    <FormDialog
      title={`Change ${what}`}
      submit={`Change ${what}`}
      disabled={Object.keys(change).length === 0 || busy}
      onSubmit={() => void send()}
      onClose={onClose}
    >
      {skipped > 0 && (
        <Note>{plural(skipped, 'job')} of those chosen will be left alone: only jobs that wait can be changed.</Note>
      )}
      {!chosen && <Note>Only jobs that wait are changed; others are left alone.</Note>}
      <TextField
        label="Priority"
        hint="Higher runs earlier. Empty: stays."
        type="number"
        data-autofocus
        value={priority}
        onChange={setPriority}
      />
      <TextField label="Queue" hint="Empty: stays." value={queue} onChange={setQueue} />
      <TextField label="Add tags" hint="Several with commas between them." value={tags} onChange={setTags} />
      {problem && <ProblemNote problem={problem} />}
    </FormDialog>
  )
}
