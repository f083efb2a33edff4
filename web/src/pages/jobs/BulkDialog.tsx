import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { fitting } from '@/acts/allowed'
import { resumeOne } from '@/acts/resume/resumeOne'
import { call } from '@/api/client'
import type { Job } from '@/api/types'
import { Bar } from '@/parts/Bar'
import { Confirm } from '@/parts/Confirm'
import { Dialog } from '@/parts/Dialog'
import { Note } from '@/parts/Note'
import { asProblem } from '@/parts/View'
import { count, plural, shortId } from '@/words/numbers'
import { stateWords } from '@/words/states'
import { VERBS, type Verb } from '@/words/verbs'

interface Props {
  verb: Verb
  jobs: Job[]
  onClose: () => void
}

interface Refused {
  job: Job
  why: string
}

const MANY = 20

/** One verb for the chosen jobs: the set is that of the moment at which the dialog opened. */
export function BulkDialog({ verb, jobs, onClose }: Props) {
  const queries = useQueryClient()
  const chosen = useRef(jobs).current
  const fit = chosen.filter((job) => fitting(job).includes(verb))
  const [done, setDone] = useState<number | null>(null)
  const [refused, setRefused] = useState<Refused[]>([])
  const stopped = useRef(false)
  const run = async (which: Job[]) => {
    stopped.current = false
    setRefused([])
    setDone(0)
    for (const [at, job] of which.entries()) {
      if (stopped.current) break
      try {
        await send(job, verb)
      } catch (error) {
        setRefused((old) => [...old, { job, why: asProblem(error).message }])
      }
      setDone(at + 1)
    }
    for (const key of ['job', 'jobs', 'count', 'interrupted', 'badges', 'overview'])
      void queries.invalidateQueries({ queryKey: [key] })
  }
  const close = () => {
    stopped.current = true
    onClose()
  }
  if (done === null) {
    return (
      <Confirm
        title={`${VERBS[verb]} ${plural(fit.length, 'job')}?`}
        action={`${VERBS[verb]} ${plural(fit.length, 'job')}`}
        back="Cancel"
        typed={fit.length > MANY ? String(fit.length) : undefined}
        onClose={onClose}
        stays
        onConfirm={async () => void run(fit)}
      >
        <p>{plural(chosen.length, 'job')} chosen; what comes later is left alone.</p>
        <Breakdown chosen={chosen} fit={fit} verb={verb} />
      </Confirm>
    )
  }
  const over = done >= fit.length
  return (
    <Dialog title={`${VERBS[verb]}: ${plural(fit.length, 'job')}`} onClose={close} alert>
      <Bar
        value={(done / Math.max(1, fit.length)) * 100}
        state={over ? 'succeeded' : 'running'}
        large
        label="How many are done"
      />
      <p role="status" className="number">
        {over ? 'Over' : 'At work'}: {count(done)} of {count(fit.length)}
        {refused.length > 0 && `, ${count(refused.length)} refused`}
      </p>
      {refused.length > 0 && (
        <Note tone="amber">
          <ul>
            {refused.map(({ job, why }) => (
              <li key={job.id}>
                {job.job_type} {shortId(job.id)}: {why}
              </li>
            ))}
          </ul>
        </Note>
      )}
      <div className="dialog-foot">
        <button type="button" className="button" data-autofocus onClick={close}>
          {over ? 'Close' : 'Stop'}
        </button>
        {over && refused.length > 0 && (
          <button type="button" className="button" onClick={() => void run(refused.map(({ job }) => job))}>
            {VERBS[verb]} the {count(refused.length)} that were refused
          </button>
        )}
      </div>
    </Dialog>
  )
}

async function send(job: Job, verb: Verb): Promise<void> {
  const path = `jobs/${encodeURIComponent(job.id)}`
  if (verb === 'resume' && job.state === 'interrupted') {
    const why = await resumeOne(job)
    if (why !== null) throw new Error(why)
  } else if (verb === 'delete') await call(path, { method: 'DELETE' })
  else await call(`${path}/${verb}`, { method: 'POST' })
}

/** "3 scheduled; 1 of them is skipped." */
function Breakdown({ chosen, fit, verb }: { chosen: Job[]; fit: Job[]; verb: Verb }) {
  const states = Map.groupBy(fit, (job) => job.state)
  const skipped = chosen.length - fit.length
  return (
    <ul>
      {[...states].map(([state, jobs]) => (
        <li key={state}>
          {count(jobs.length)} {stateWords(state).label.toLowerCase()}
        </li>
      ))}
      {skipped > 0 && (
        <li className="muted">
          {count(skipped)} skipped: {VERBS[verb].toLowerCase()} does not fit {skipped === 1 ? 'it' : 'them'}.
        </li>
      )}
    </ul>
  )
}
