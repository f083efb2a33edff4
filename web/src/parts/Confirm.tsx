import { type ReactNode, useId, useState } from 'react'
import { Problem } from '@/api/client'
import { Dialog } from './Dialog'
import { ProblemNote } from './Note'

interface Props {
  title: string
  /** What is lost, in words. */
  children: ReactNode
  /** The verb and its thing: "Cancel job". */
  action: string
  onClose: () => void
  onConfirm: (reason: string) => Promise<unknown>
  /** Level 2 and 3: this must be typed first. */
  typed?: string | undefined
  /** Level 3: a reason is required; `"optional"` only asks for one. */
  reason?: 'required' | 'optional' | undefined
  back?: string
}

/** The dialog before something is lost. The focus is on the safe button; the other one says what it does. */
export function Confirm({ title, children, action, onClose, onConfirm, typed, reason, back = 'Keep as it is' }: Props) {
  const [text, setText] = useState('')
  const [why, setWhy] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const typedId = useId()
  const whyId = useId()
  const ready = (!typed || text.trim() === typed) && (reason !== 'required' || why.trim() !== '')
  const confirm = async () => {
    if (!ready || busy) return
    setBusy(true)
    try {
      await onConfirm(why.trim())
      onClose()
    } catch (error) {
      setProblem(
        error instanceof Problem ? error : new Problem({ title: String(error), status: 0, code: 'unexpected' }),
      )
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose} alert>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        <div className="stack tight">{children}</div>
        {reason && (
          <div className="field">
            <label htmlFor={whyId}>Reason{reason === 'optional' && ' (optional)'}</label>
            <input id={whyId} className="input" value={why} onChange={(event) => setWhy(event.target.value)} />
          </div>
        )}
        {typed && (
          <div className="field">
            <label htmlFor={typedId}>
              Type <code>{typed}</code> to go on
            </label>
            <input
              id={typedId}
              className="input"
              autoComplete="off"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
        {problem && <ProblemNote problem={problem} />}
        <div className="dialog-foot">
          <button type="button" className="button" data-autofocus onClick={onClose}>
            {back}
          </button>
          <button type="submit" className="button danger" disabled={!ready || busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
