import { ClipboardCopy, MoreHorizontal } from 'lucide-react'
import { Fragment } from 'react'
import { Link } from 'react-router'
import { useActs } from '@/acts/JobActs'
import { address } from '@/api/client'
import type { JobDetail, Reason } from '@/api/types'
import { useMay } from '@/app/session'
import { copy } from '@/parts/Copy'
import { Menu } from '@/parts/Menu'
import { State } from '@/parts/State'
import { Tip } from '@/parts/Tip'
import { shortId } from '@/words/numbers'
import { VERBS, type Verb } from '@/words/verbs'
import { JobFacts } from './JobFacts'
import { JobProgress } from './JobProgress'

const FIRST: Record<string, Verb[]> = {
  running: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  input: ['cancel'],
  failed: ['resume', 'fresh', 'ack'],
  interrupted: ['resume', 'fresh', 'ack'],
  cancelled: ['resume', 'fresh'],
  succeeded: ['again'],
}
const ORDER: Verb[] = ['resume', 'fresh', 'again', 'pause', 'cancel', 'force-stop', 'ack', 'discard', 'delete']

/** What a job is, how far, why it waits, and what can be done with it now. */
export function JobHead({ job }: { job: JobDetail }) {
  return (
    <section className="card job-head" aria-label="Job">
      <div className="row spread">
        <div className="job-title">
          <State state={job.state} pill retryAt={job.run_at} />
          <h1>
            {job.job_type} <span className="mono muted">{shortId(job.id)}</span>
          </h1>
        </div>
        <Verbs job={job} />
      </div>
      {job.label && job.label !== job.job_type && <p className="muted">{job.label}</p>}
      <JobProgress job={job} />
      {job.waiting_reason && <Waiting reason={job.waiting_reason} />}
      <JobFacts job={job} />
    </section>
  )
}

/** One sentence on why it waits, with links to what it names. */
function Waiting({ reason }: { reason: Reason }) {
  return (
    <p className="waiting-reason">
      {reason.text}
      {reason.refs.length > 0 && (
        <>
          {' '}
          {reason.refs.map((ref, at) => (
            <Fragment key={ref}>
              {at > 0 && ', '}
              {ref.startsWith('inp_') ? (
                <Link to={`/waiting?question=${encodeURIComponent(ref)}`}>Answer it</Link>
              ) : (
                <Link to={`/jobs/${encodeURIComponent(ref)}`}>Job {shortId(ref)}</Link>
              )}
            </Fragment>
          ))}
        </>
      )}
    </p>
  )
}

function Verbs({ job }: { job: JobDetail }) {
  const { act } = useActs()
  const may = useMay('operator')
  const firsts = (FIRST[job.state] ?? ['pause', 'cancel']).filter((verb) => job.actions[verb]?.allowed)
  const rest = ORDER.filter((verb) => !firsts.includes(verb) && job.actions[verb])
  return (
    <div className="row">
      {may &&
        firsts.map((verb, at) => (
          <button
            key={verb}
            type="button"
            className={at === 0 && verb === 'resume' ? 'button primary' : 'button'}
            onClick={() => act(job, verb)}
          >
            {VERBS[verb]}
          </button>
        ))}
      <Menu
        trigger={
          <button type="button" className="button icon" aria-label="Copy">
            <ClipboardCopy size={16} aria-hidden="true" />
          </button>
        }
        title="Copy"
        entries={[
          { label: 'Id', onSelect: () => void copy(job.id, 'Id copied') },
          { label: 'Link', onSelect: () => void copy(location.href.split('?')[0] ?? '', 'Link copied') },
          {
            label: `onward job show ${shortId(job.id)}`,
            onSelect: () => void copy(`onward job show ${job.id}`, 'Command copied'),
          },
          {
            label: 'curl',
            onSelect: () => void copy(`curl '${address(`jobs/${encodeURIComponent(job.id)}`)}'`, 'Command copied'),
          },
        ]}
      />
      {may && (
        <Menu
          trigger={
            <button type="button" className="button icon" aria-label="More that can be done">
              <MoreHorizontal size={16} aria-hidden="true" />
            </button>
          }
          entries={rest.map((verb) => ({
            label: VERBS[verb],
            why: job.actions[verb]?.allowed ? null : (job.actions[verb]?.reason ?? 'Not now.'),
            onSelect: () => setTimeout(() => act(job, verb)),
          }))}
        />
      )}
      {!may && (
        <Tip text="To steer jobs the role operator is needed.">
          <button type="button" className="badge">
            Look only
          </button>
        </Tip>
      )}
    </div>
  )
}
