import { useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { Question } from '@/api/types'
import { Code } from '@/parts/Copy'
import { Dialog } from '@/parts/Dialog'
import { FormDialog } from '@/parts/FormDialog'
import { Note, ProblemNote } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { Time } from '@/parts/Time'
import { asProblem } from '@/parts/View'

interface Link {
  url: string
  person: string
  expires_at: string
}

/** A link with which somebody answers this question without signing in. */
export function LinkDialog({ question, onClose }: { question: Question; onClose: () => void }) {
  const [person, setPerson] = useState(question.assigned_to ?? '')
  const [made, setMade] = useState<Link | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const make = async () => {
    setProblem(null)
    try {
      setMade(await call<Link>(`inputs/${encodeURIComponent(question.id)}/link`, { body: { person: person.trim() } }))
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  if (made) {
    return (
      <Dialog title={`A link for ${made.person}`} onClose={onClose}>
        <Note>
          Whoever has it may answer this question, once, in the name of {made.person}. It is good until{' '}
          <Time at={made.expires_at} as="full" />.
        </Note>
        <Code text={made.url} label="Link" />
        <div className="dialog-foot">
          <button type="button" className="button primary" data-autofocus onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title="Send a link"
      submit="Make link"
      disabled={!person.trim()}
      onSubmit={() => void make()}
      onClose={onClose}
    >
      <p>For somebody who has no key: a page with this question and nothing else.</p>
      <TextField
        label="In whose name it answers"
        data-autofocus
        maxLength={200}
        readOnly={question.assigned_to !== null}
        value={person}
        onChange={setPerson}
      />
      {problem && <ProblemNote problem={problem} />}
    </FormDialog>
  )
}
