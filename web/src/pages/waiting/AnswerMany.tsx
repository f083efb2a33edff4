import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '@/api/client'
import type { Json, Question } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { Note } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { plural, shortId } from '@/words/numbers'
import { firstLine } from '@/words/texts'
import { yesNoOf } from './alike'

interface Props {
  questions: Question[]
  onClose: () => void
}

/** The same yes or no to several questions of one form; each is listed and can be left out. */
export function AnswerMany({ questions, onClose }: Props) {
  const queries = useQueryClient()
  const [asked] = useState(questions)
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<string[]>([])
  const chosen = asked.filter((question) => !left.has(question.id))
  const send = async (yes: boolean) => {
    setBusy(true)
    const faults: string[] = []
    for (const question of chosen) {
      const response: Json = yesNoOf(question)?.response(yes) ?? yes
      try {
        await call(`inputs/${encodeURIComponent(question.id)}/answer`, { body: { response } })
      } catch (error) {
        faults.push(`${question.job_type} ${shortId(question.job_id)}: ${asProblem(error).message}`)
      }
    }
    setBusy(false)
    for (const key of ['inputs', 'input', 'badges', 'job', 'jobs']) void queries.invalidateQueries({ queryKey: [key] })
    toast(`Answered: ${plural(chosen.length - faults.length, 'question')}`)
    if (faults.length > 0) setRefused(faults)
    else onClose()
  }
  return (
    <Dialog title={`Answer ${plural(asked.length, 'question')} alike`} onClose={onClose} alert>
      {refused.map((fault) => (
        <Note key={fault} tone="red">
          {fault}
        </Note>
      ))}
      <ul className="column-list">
        {asked.map((question) => (
          <li key={question.id}>
            <label className="check-line">
              <input
                type="checkbox"
                checked={!left.has(question.id)}
                onChange={(event) => {
                  const next = new Set(left)
                  if (event.target.checked) next.delete(question.id)
                  else next.add(question.id)
                  setLeft(next)
                }}
              />
              <span>
                {firstLine(question.prompt) || question.name}{' '}
                <span className="muted">
                  {question.job_type} <span className="mono">{shortId(question.job_id)}</span>
                </span>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <div className="dialog-foot">
        <button
          type="button"
          className="button primary"
          disabled={busy || !chosen.length}
          onClick={() => void send(true)}
        >
          Yes to {chosen.length}
        </button>
        <button type="button" className="button" disabled={busy || !chosen.length} onClick={() => void send(false)}>
          No to {chosen.length}
        </button>
        <button type="button" className="button" data-autofocus onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  )
}
