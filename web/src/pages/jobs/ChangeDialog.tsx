import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '@/api/client'
import type { Job } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { FormDialog } from '@/parts/FormDialog'
import { Note } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { plural, shortId } from '@/words/numbers'

interface Props {
  jobs: Job[]
  onClose: () => void
}

const WAITING = new Set(['queued', 'scheduled', 'blocked', 'retrying', 'paused'])

/** Whether a job waits to be run, so that it can be changed. */
export function isChangeable(job: Job): boolean {
  return WAITING.has(job.state)
}

/** Priority, queue and tags of the chosen jobs that wait; what is left empty stays as it is. */
export function ChangeDialog({ jobs, onClose }: Props) {
  const queries = useQueryClient()
  const [chosen] = useState(jobs.filter(isChangeable))
  const [skipped] = useState(jobs.length - chosen.length)
  const [priority, setPriority] = useState('')
  const [queue, setQueue] = useState('')
  const [tags, setTags] = useState('')
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<{ job: Job; why: string }[] | null>(null)
  const change = {
    ...(priority.trim() ? { priority: Number(priority) } : {}),
    ...(queue.trim() ? { queue: queue.trim() } : {}),
  }
  const more = tags.split(',').flatMap((tag) => tag.trim() || [])
  const isEmpty = Object.keys(change).length === 0 && more.length === 0
  const send = async () => {
    setBusy(true)
    const failed: { job: Job; why: string }[] = []
    for (const job of chosen) {
      const body = more.length > 0 ? { ...change, tags: [...new Set([...job.tags, ...more])] } : change
      try {
        await call(`jobs/${encodeURIComponent(job.id)}`, { method: 'PATCH', body })
      } catch (error) {
        failed.push({ job, why: asProblem(error).message })
      }
    }
    setBusy(false)
    for (const key of ['jobs', 'job']) void queries.invalidateQueries({ queryKey: [key] })
    if (failed.length > 0) setRefused(failed)
    else {
      toast(`Changed: ${plural(chosen.length, 'job')}`)
      onClose()
    }
  }
  if (refused) {
    return (
      <Dialog title={`${refused.length} of ${plural(chosen.length, 'job')} could not be changed`} onClose={onClose}>
        <ul>
          {refused.map(({ job, why }) => (
            <li key={job.id}>
              {job.job_type} <span className="mono">{shortId(job.id)}</span>: {why}
            </li>
          ))}
        </ul>
        <div className="dialog-foot">
          <button type="button" className="button" data-autofocus onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title={`Change ${plural(chosen.length, 'job')}`}
      submit={`Change ${plural(chosen.length, 'job')}`}
      disabled={isEmpty || busy}
      onSubmit={() => void send()}
      onClose={onClose}
    >
      {skipped > 0 && (
        <Note>{plural(skipped, 'job')} of those chosen will be left alone: only jobs that wait can be changed.</Note>
      )}
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
    </FormDialog>
  )
}
