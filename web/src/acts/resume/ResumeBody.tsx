import { TriangleAlert } from 'lucide-react'
import type { ResumeFacts } from '@/api/types'
import { Bar } from '@/parts/Bar'
import { Note } from '@/parts/Note'
import { Time } from '@/parts/Time'
import { shortId } from '@/words/numbers'
import { amountOf, checkpointOf, doubtOf, freshOf, leftOf } from './words'

/** The facts, in the order in which one needs them. */
export function ResumeBody({ facts }: { facts: ResumeFacts }) {
  const about = [facts.job_type, facts.source_id, ...(facts.resources ?? []), `job ${shortId(facts.job_id)}`]
  const left = leftOf(facts)
  const fresh = freshOf(facts)
  return (
    <div className="resume">
      <p className="muted">{about.filter(Boolean).join(' · ')}</p>
      <div className="resume-far">
        <Bar value={facts.percent} state="interrupted" large label="How far it was" />
        <p className="number">{amountOf(facts)}</p>
      </div>
      <p>
        Stopped <Time at={facts.stopped_at} as="clock" />: {facts.stopped_why}
      </p>
      <p>{checkpointOf(facts)}</p>
      <dl className="resume-checks">
        <div>
          <dt>Code</dt>
          {facts.code.same ? (
            <dd>same version (v{facts.code.now})</dd>
          ) : (
            <dd className="warned">
              <TriangleAlert size={15} aria-hidden="true" /> Code changed since (v{facts.code.was} to v{facts.code.now})
            </dd>
          )}
        </div>
        <div>
          <dt>Inputs</dt>
          <dd className={facts.inputs.same ? undefined : 'warned'}>{facts.inputs.same ? 'same' : 'differ'}</dd>
        </div>
      </dl>
      {facts.in_doubt.length > 0 && (
        <Note tone="amber">
          {facts.in_doubt.length === 1 ? '1 step was' : `${facts.in_doubt.length} steps were`} under way and may have
          happened: {facts.in_doubt.map(doubtOf).join(', ')}. You are asked before{' '}
          {facts.in_doubt.length === 1 ? 'it is' : 'they are'} done again.
        </Note>
      )}
      {!facts.can_resume && facts.why_not && <Note tone="amber">{facts.why_not}</Note>}
      {(left || fresh) && (
        <p className="resume-lengths">
          {left && <span>{left}</span>} {fresh && <span>{fresh}</span>}
        </p>
      )}
    </div>
  )
}
