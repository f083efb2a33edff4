import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { type Problem, readJson, writeJson } from '@/api/client'
import type { Json, Schema } from '@/api/types'
import type { FormHandle } from '@/parts/form/SchemaForm'
import { ALONE, alone, hasForm } from '@/parts/form/schema'
import { Bones } from '@/parts/Loading'
import { ProblemNote } from '@/parts/Note'

const SchemaForm = lazy(async () => ({ default: (await import('@/parts/form/SchemaForm')).SchemaForm }))

interface Props {
  /** Under which what is typed is kept in this browser until it is sent. */
  draftKey: string
  schema: Schema | null
  busy: boolean
  problem: Problem | null
  /** Whether the answer was taken. */
  onSend: (response: Json) => Promise<boolean>
  children?: ReactNode
}

/** The form of an answer: made from its JSON Schema, or a field for JSON where there is none. */
export function AnswerForm({ draftKey, schema, busy, problem, onSend, children }: Props) {
  const form = useRef<FormHandle>(null)
  const [value, setValue] = useState<Json>(() => draftOf(draftKey))
  const single = useMemo(() => alone(schema), [schema])
  const [text, setText] = useState(single || hasForm(schema) ? null : 'true')
  useEffect(() => keepDraft(draftKey, value), [draftKey, value])
  const send = () => {
    let response = value
    if (text !== null) {
      try {
        response = readJson(text) as Json
      } catch {
        response = text
      }
    } else if (form.current && !form.current.check()) return
    else if (single) response = (value as { [ALONE]: Json })[ALONE]
    void onSend(response).then((done) => done && localStorage.removeItem(draftKey))
  }
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
            schema={single ?? schema ?? {}}
            value={value}
            onChange={setValue}
            faults={problem?.record.errors?.map((fault) => (single ? { ...fault, pointer: `/${ALONE}` } : fault))}
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
        {children}
      </div>
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
