import { writeJson } from '@/api/client'
import type { JobDetail, Json } from '@/api/types'
import { CopyButton } from '@/parts/Copy'
import { ForOperators } from '@/parts/ForOperators'
import { JsonView } from '@/parts/JsonView'

/** What it was given and what came out. */
export function Values({ job }: { job: JobDetail }) {
  return (
    <div className="stack">
      <ForOperators what="What a job was given and what it made of it" />
      <div className="two-columns wide">
        <Value title="Inputs" value={job.params} />
        {job.result === null ? (
          <section>
            <h3>Result</h3>
            <p className="muted">
              {job.state === 'succeeded' ? 'It returned nothing.' : 'There is none before it has succeeded.'}
            </p>
          </section>
        ) : (
          <Value title="Result" value={job.result} />
        )}
      </div>
    </div>
  )
}

function Value({ title, value }: { title: string; value: Json }) {
  return (
    <section className="stack tight">
      <div className="row">
        <h3>{title}</h3>
        <CopyButton text={writeJson(value, 2)} label={title} />
      </div>
      <JsonView value={value} label={title} />
    </section>
  )
}
