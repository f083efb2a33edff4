import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { call, type Problem } from '@/api/client'
import type { Question } from '@/api/types'
import { useMay, useSession } from '@/app/session'
import { ForOperators, useIsHidden } from '@/parts/ForOperators'
import { JsonView } from '@/parts/JsonView'
import { Markdown } from '@/parts/Markdown'
import { Note } from '@/parts/Note'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import { AnswerForm } from './AnswerForm'
import { LinkDialog } from './LinkDialog'
import { Reassign } from './Reassign'
import { SnoozeMenu } from './SnoozeMenu'

/** One question: what it is about, and the form of its answer. */
export function QuestionCard({ id, onGone }: { id: string; onGone: () => void }) {
  const path = `inputs/${encodeURIComponent(id)}`
  const found = useQuery({ queryKey: ['input', id], queryFn: () => call<Question>(path) })
  const isHidden = useIsHidden()
  return (
    <View query={found} rows={4}>
      {(question) => (
        <article className="question stack" aria-label="Question">
          <p className="muted small">
            <Link to={`/jobs/${encodeURIComponent(question.job_id)}`}>
              {question.job_type} <span className="mono">{shortId(question.job_id)}</span>
            </Link>
            {question.source_id && ` · ${question.source_id}`}
            {question.assigned_to && ` · asked of ${question.assigned_to}`}
          </p>
          <Markdown text={question.prompt || question.name} />
          <ForOperators what="What the question is about" />
          {question.data !== null && !isHidden && <JsonView value={question.data} label="What it is about" />}
          {question.state === 'open' ? (
            <Answer question={question} path={path} />
          ) : (
            <Closed question={question} onGone={onGone} />
          )}
        </article>
      )}
    </View>
  )
}

function Closed({ question, onGone }: { question: Question; onGone: () => void }) {
  return (
    <Note role="status">
      {question.answered_by && question.answered_at ? (
        <>
          Answered by {question.answered_by} <Time at={question.answered_at} />
          {question.response !== null && <JsonView value={question.response} label="The answer" />}
        </>
      ) : (
        <>It is closed: {question.state}.</>
      )}
      <div>
        <button type="button" className="link-button" onClick={onGone}>
          Next question
        </button>
      </div>
    </Note>
  )
}

function Answer({ question, path }: { question: Question; path: string }) {
  const queries = useQueryClient()
  const may = useMay('operator')
  const user = useSession()?.user
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [open, setOpen] = useState<'reassign' | 'link' | null>(null)
  const refresh = () => {
    for (const key of ['inputs', 'input', 'badges', 'job', 'jobs']) void queries.invalidateQueries({ queryKey: [key] })
  }
  const act = async (verb: string, body: unknown, said: string) => {
    if (busy) return false
    setBusy(true)
    setProblem(null)
    try {
      await call(`${path}/${verb}`, { method: 'POST', body })
      toast(said)
      refresh()
      return true
    } catch (error) {
      const found = asProblem(error)
      setProblem(found)
      if (found.status === 409 || found.status === 410) refresh()
      return false
    } finally {
      setBusy(false)
    }
  }
  const claimed = question.claimed_by
  if (!may) return <Note>To answer, the role operator is needed.</Note>
  return (
    <>
      <AnswerForm
        draftKey={`onward.draft.${question.id}`}
        schema={question.schema}
        busy={busy}
        problem={problem}
        onSend={(response) => act('answer', { response }, 'Answered')}
      >
        {claimed ? (
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() => void act('release', undefined, 'Released')}
          >
            Release
          </button>
        ) : (
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() => void act('claim', undefined, 'Claimed: others see that you are at it')}
          >
            Claim
          </button>
        )}
        <button type="button" className="button" disabled={busy} onClick={() => setOpen('reassign')}>
          Ask somebody else …
        </button>
        <button type="button" className="button" disabled={busy} onClick={() => setOpen('link')}>
          Send a link …
        </button>
        <SnoozeMenu id={question.id} />
        {claimed && <span className="muted">Claimed by {claimed === user ? 'you' : claimed}</span>}
      </AnswerForm>
      {open === 'reassign' && (
        <Reassign
          to={question.assigned_to}
          onClose={() => setOpen(null)}
          onTo={(to) => {
            setOpen(null)
            void act('reassign', { to }, to ? `Asked of ${to}` : 'Asked of anybody')
          }}
        />
      )}
      {open === 'link' && <LinkDialog question={question} onClose={() => setOpen(null)} />}
    </>
  )
}
