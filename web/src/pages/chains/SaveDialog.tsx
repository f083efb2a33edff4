import { useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { ChainRecord } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { Note, ProblemNote } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { type Plan, sent } from './plan'

interface Props {
  plan: Plan
  /** Empty for a new chain. */
  name: string
  version: number | null
  onClose: () => void
  onSaved: (chain: ChainRecord) => void
}

/** Keeps a chain under a name; what somebody else has saved meanwhile is not overwritten unseen. */
export function SaveDialog({ plan, name, version, onClose, onSaved }: Props) {
  const queries = useQueryClient()
  const id = useId()
  const [label, setLabel] = useState(plan.label)
  const [chosen, setChosen] = useState(name)
  const [description, setDescription] = useState(plan.description)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const theirs = problem?.code === 'version-conflict' ? (problem.record.version as number | undefined) : undefined
  const named = chosen || nameOf(label)
  const save = async (expected: number) => {
    setBusy(true)
    setProblem(null)
    try {
      const saved = await call<ChainRecord>(`chains/${encodeURIComponent(named)}`, {
        method: 'PUT',
        body: {
          label: label.trim(),
          description: description.trim(),
          phases: sent(plan.phases),
          expect_version: expected,
        },
      })
      queries.setQueryData(['chain', saved.name], saved)
      void queries.invalidateQueries({ queryKey: ['chains'] })
      toast(`Saved: ${saved.name}, version ${saved.version}`)
      onSaved(saved)
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <FormDialog
      title={name ? `Save ${name}` : 'Save chain'}
      submit={`Save${name && version ? ` version ${version + 1}` : ''}`}
      disabled={busy || !named}
      onSubmit={() => void save(name ? (version ?? 0) : 0)}
      onClose={onClose}
    >
      <TextField label="Label" data-autofocus placeholder="Nightly rebuild" value={label} onChange={setLabel} />
      <TextField
        label="Name"
        mono
        disabled={name !== ''}
        placeholder={nameOf(label) || 'nightly_rebuild'}
        hint={
          <>
            Programs and the command line call it so: <code>onward chain run {named || 'NAME'}</code>
          </>
        }
        value={chosen}
        onChange={setChosen}
      />
      <div className="field">
        <label htmlFor={`${id}description`}>
          Description <span className="muted">(optional)</span>
        </label>
        <textarea
          id={`${id}description`}
          className="input"
          rows={2}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
      </div>
      {theirs !== undefined && theirs > 0 ? (
        <Note tone="amber" role="alert">
          {problem?.message}
          <div className="row">
            <button type="button" className="button small" disabled={busy} onClick={() => void save(theirs)}>
              Save mine as version {theirs + 1}
            </button>
          </div>
        </Note>
      ) : (
        problem && <ProblemNote problem={problem} />
      )}
    </FormDialog>
  )
}

/** A name made of a label: "Nightly rebuild" is nightly_rebuild. */
function nameOf(label: string): string {
  return label
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
}
