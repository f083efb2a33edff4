import { useState } from 'react'
import { fitting } from '@/acts/allowed'
import type { Count, Job } from '@/api/types'
import { capped, plural } from '@/words/numbers'
import { VERBS, type Verb } from '@/words/verbs'
import { BulkDialog } from './BulkDialog'
import { ChangeDialog, isChangeable } from './ChangeDialog'
import type { Chip } from './filters'

interface Props {
  jobs: Job[]
  filter: Record<string, string>
  chips: Chip[]
  all: boolean
  canAll: boolean
  counted: Count | null | undefined
  onAll: () => void
  onClear: () => void
}

const BULK: Verb[] = ['resume', 'fresh', 'pause', 'cancel', 'ack', 'delete']

/** What can be done with the chosen rows: only verbs that fit at least one of them. */
export function BulkBar({ jobs, filter, chips, all, canAll, counted, onAll, onClear }: Props) {
  const [verb, setVerb] = useState<Verb | null>(null)
  const [changing, setChanging] = useState(false)
  const verbs = BULK.filter((name) => all || jobs.some((job) => fitting(job).includes(name)))
  return (
    <section className="bulk" aria-label="Chosen jobs">
      <strong className="number">
        {all ? `All ${capped(counted)} matching` : `${plural(jobs.length, 'job')} chosen`}
      </strong>
      {canAll && !all && (
        <button type="button" className="link-button" onClick={onAll}>
          Select all {capped(counted)} matching
        </button>
      )}
      <span className="row">
        {verbs.map((name) => (
          <button key={name} type="button" className="button small" onClick={() => setVerb(name)}>
            {VERBS[name]}
          </button>
        ))}
        {(all || jobs.some(isChangeable)) && (
          <button type="button" className="button small" onClick={() => setChanging(true)}>
            Change …
          </button>
        )}
      </span>
      {changing && <ChangeDialog jobs={all ? null : jobs} filter={filter} onClose={() => setChanging(false)} />}
      <button type="button" className="button small quiet" onClick={onClear}>
        Clear
      </button>
      {verb && (
        <BulkDialog
          verb={verb}
          ids={all ? null : jobs.map((job) => job.id)}
          filter={filter}
          chips={chips}
          onClose={() => setVerb(null)}
        />
      )}
    </section>
  )
}
