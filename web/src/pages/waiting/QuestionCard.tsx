import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { Link } from 'react-router'
import { call, type Problem, readJson, writeJson } from '@/api/client'
import type { Json, Question } from '@/api/types'
import { useMay, useSession } from '@/app/session'
import { ForOperators, useIsHidden } from '@/parts/ForOperators'
import type { FormHandle } from '@/parts/form/SchemaForm'
import { hasForm } from '@/parts/form/schema'
import { JsonView } from '@/parts/JsonView'
import { Bones } from '@/parts/Loading'
import { Markdown } from '@/parts/Markdown'
import { Note, ProblemNote } from '@/parts/Note'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import { Reassign } from './Reassign'
import { SnoozeMenu } from './SnoozeMenu'

const SchemaForm = lazy(async () => ({ default: (await import('@/parts/form/SchemaForm')).SchemaForm }))

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
  const form = useRef<FormHandle>(null)
  const draftKey = `onward.draft.${question.id}`
  const [value, setValue] = useState<Json>(() => draftOf(draftKey))
  const [text, setText] = useState(hasForm(question.schema) ? null : 'true')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [passing, setPassing] = useState(false)
  useEffect(() => keepDraft(draftKey, value), [draftKey, value])
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
  const send = () => {
    let response = value
    if (text !== null) {
      try {
        response = readJson(text) as Json
      } catch {
        response = text
      }
    } else if (form.current && !form.current.check()) return
    void act('answer', { response }, 'Answered').then((done) => done && localStorage.removeItem(draftKey))
  }
  const claimed = question.claimed_by
  if (!may) return <Note>To answer, the role operator is needed.</Note>
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault()
          send()
        }
      }}
    >
      {text === null ? (
        <Suspense fallback={<Bones rows={2} />}>
          <SchemaForm
            ref={form}
            schema={question.schema ?? {}}
            value={value}
            onChange={setValue}
            faults={problem?.record.errors}
            idPrefix="answer"
            disabled={busy}
          />
        </Suspense>
      ) : (
        <div className="field">
          <label htmlFor="answer-text">Answer</label>
          <textarea
            id="answer-text"
            className="input mono"
            rows={3}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <span className="hint">JSON, or plain text.</span>
        </div>
      )}
      {problem && <ProblemNote problem={problem} />}
      <div className="dialog-foot">
        <button type="submit" className="button primary" disabled={busy}>
          Answer
        </button>
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
        <button type="button" className="button" disabled={busy} onClick={() => setPassing(true)}>
          Ask somebody else …
        </button>
        <SnoozeMenu id={question.id} />
        {claimed && <span className="muted">Claimed by {claimed === user ? 'you' : claimed}</span>}
      </div>
      {passing && (
        <Reassign
          to={question.assigned_to}
          onClose={() => setPassing(false)}
          onTo={(to) => {
            setPassing(false)
            void act('reassign', { to }, to ? `Asked of ${to}` : 'Asked of anybody')
          }}
        />
      )}
    </form>
  )
}

function draftOf(key: string): Json {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') as Json) ?? {}
  } catch {
    return {}
  }
}

function keepDraft(key: string, value: Json): void {
  try {
    if (value && typeof value === 'object' && Object.keys(value).length > 0) localStorage.setItem(key, writeJson(value))
  } catch {
    // Without storage a draft lives as long as the page.
  }
}
