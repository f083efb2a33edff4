import { CircleCheck } from 'lucide-react'
import type { Fault, JobDetail, Run } from '@/api/types'
import { CopyButton } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Time } from '@/parts/Time'
import { plural } from '@/words/numbers'

interface Group {
  error: Fault
  runs: Run[]
}

/** What went wrong, alike errors of several runs together. */
export function Errors({ job }: { job: JobDetail }) {
  const groups = groupsOf(job)
  if (groups.length === 0) {
    return (
      <Empty title="No errors" icon={CircleCheck}>
        <p>No run of this job has failed.</p>
      </Empty>
    )
  }
  return (
    <div className="stack">
      {groups.map(({ error, runs }) => (
        <article key={`${error.type}${error.message}`} className="stack tight">
          <h3 className="wrap-any">
            {error.type}: <span className="plain">{error.message}</span>
          </h3>
          {runs.length > 0 && (
            <p className="muted small">
              {plural(runs.length, 'run')}, first <When run={runs[0]} />
              {runs.length > 1 && (
                <>
                  , last <When run={runs.at(-1)} />
                </>
              )}
            </p>
          )}
          {error.traceback && (
            <div className="code">
              <pre tabIndex={0}>{error.traceback}</pre>
              <CopyButton text={error.traceback} label="Traceback" />
            </div>
          )}
        </article>
      ))}
    </div>
  )
}

function When({ run }: { run: Run | undefined }) {
  const at = run?.finished_at ?? run?.started_at
  return at ? <Time at={at} as="full" /> : null
}

function groupsOf(job: JobDetail): Group[] {
  const groups = new Map<string, Group>()
  for (const run of job.runs) {
    if (!run.error) continue
    const mark = `${run.error.type}: ${run.error.message.replaceAll(/\d+/g, '#')}`
    const group = groups.get(mark)
    if (group) group.runs.push(run)
    else groups.set(mark, { error: run.error, runs: [run] })
  }
  if (groups.size === 0 && job.error) groups.set('job', { error: job.error, runs: [] })
  return [...groups.values()].reverse()
}
