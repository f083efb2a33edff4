import { useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { Question } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { ProblemNote } from '@/parts/Note'
import { SecretDialog } from '@/parts/SecretDialog'
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
      <SecretDialog title={`A link for ${made.person}`} label="Link" secret={made.url} onClose={onClose}>
        Whoever has it may answer this question, once, in the name of {made.person}. It is good until{' '}
        <Time at={made.expires_at} as="full" />.
      </SecretDialog>
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
