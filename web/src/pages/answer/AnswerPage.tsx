import { useQuery, useQueryClient } from '@tanstack/react-query'
import { MoveRight } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'react-router'
import { call, type Problem } from '@/api/client'
import type { Json, Schema } from '@/api/types'
import { useTitle } from '@/app/title'
import { JsonView } from '@/parts/JsonView'
import { Bones } from '@/parts/Loading'
import { Markdown } from '@/parts/Markdown'
import { Note, ProblemNote } from '@/parts/Note'
import { Time } from '@/parts/Time'
import { asProblem } from '@/parts/View'
import { firstLine } from '@/words/texts'
import { AnswerForm } from '../waiting/AnswerForm'

interface Asked {
  person: string
  job_type: string
  source_id: string | null
  name: string
  state: string
  prompt: string
  data: Json
  schema: Schema | null
  expires_at: string | null
  response: Json
  answered_by: string | null
  answered_at: string | null
}

/** One question, for whoever has its link. The secret part stands behind # and is in no log. */
export function AnswerPage() {
  const token = useLocation().hash.slice(1)
  const found = useQuery({
    queryKey: ['answer-link', token],
    queryFn: () => call<Asked>('answer-links/look', { body: { token } }),
    enabled: token !== '',
    refetchOnWindowFocus: true,
  })
  useTitle(found.data ? firstLine(found.data.prompt || found.data.name) : 'A question')
  return (
    <main className="alone">
      <div className="card alone-card">
        <div className="brand-line">
          <MoveRight aria-hidden="true" /> onward
        </div>
        {found.data ? (
          <Question key={token} asked={found.data} token={token} />
        ) : (
          <>
            <h1>A question</h1>
            {token === '' && (
              <Note tone="amber">The link is incomplete: open it as it was sent, to its last character.</Note>
            )}
            {found.error ? <ProblemNote problem={asProblem(found.error)} /> : token !== '' && <Bones rows={4} />}
          </>
        )}
      </div>
    </main>
  )
}

function Question({ asked, token }: { asked: Asked; token: string }) {
  const queries = useQueryClient()
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const key = ['answer-link', token]
  const send = async (response: Json) => {
    setBusy(true)
    setProblem(null)
    try {
      queries.setQueryData(key, await call<Asked>('answer-links/answer', { body: { token, response } }))
      return true
    } catch (error) {
      const found = asProblem(error)
      setProblem(found)
      if (found.status !== 422) void queries.invalidateQueries({ queryKey: key })
      return false
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <h1>A question for {asked.person}</h1>
      <p className="muted small">
        {asked.job_type}
        {asked.source_id && ` · ${asked.source_id}`}
        {asked.state === 'open' && asked.expires_at && (
          <>
            {' '}
            · until <Time at={asked.expires_at} as="full" />
          </>
        )}
      </p>
      <div className="question stack">
        <Markdown text={asked.prompt || asked.name} />
        {asked.data !== null && <JsonView value={asked.data} label="What it is about" />}
      </div>
      {asked.state === 'open' ? (
        <AnswerForm
          draftKey={`onward.draft.${token.slice(-16)}`}
          schema={asked.schema}
          busy={busy}
          problem={problem}
          onSend={send}
        />
      ) : (
        <Note role="status" tone={asked.state === 'answered' ? 'green' : 'amber'}>
          {asked.state === 'answered' && asked.answered_at ? (
            <>
              Answered by {asked.answered_by} <Time at={asked.answered_at} />. There is nothing left to do here.
              {asked.response !== null && <JsonView value={asked.response} label="The answer" />}
            </>
          ) : (
            <>It is closed: {asked.state}.</>
          )}
        </Note>
      )}
    </>
  )
}
