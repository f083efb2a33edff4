import { useState } from 'react'
import { fitting } from '@/acts/allowed'
import type { Job } from '@/api/types'
import { plural } from '@/words/numbers'
import { VERBS, type Verb } from '@/words/verbs'
import { BulkDialog } from './BulkDialog'

const BULK: Verb[] = ['resume', 'pause', 'cancel', 'ack', 'delete']

/** What can be done with the chosen rows: only verbs that fit at least one of them. */
export function BulkBar({ jobs, onClear }: { jobs: Job[]; onClear: () => void }) {
  const [open, setOpen] = useState<{ verb: Verb; jobs: Job[] } | null>(null)
  const verbs = BULK.filter((name) => jobs.some((job) => fitting(job).includes(name)))
  return (
    <section className="bulk" aria-label="Chosen jobs">
      <strong className="number">{plural(jobs.length, 'job')} chosen</strong>
      <span className="row">
        {verbs.map((name) => (
          <button key={name} type="button" className="button small" onClick={() => setOpen({ verb: name, jobs })}>
            {VERBS[name]}
          </button>
        ))}
      </span>
      <button type="button" className="button small quiet" onClick={onClear}>
        Clear
      </button>
      {open && <BulkDialog verb={open.verb} jobs={open.jobs} onClose={() => setOpen(null)} />}
    </section>
  )
}
