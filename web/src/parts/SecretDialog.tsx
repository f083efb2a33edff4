import type { ReactNode } from 'react'
import { Code } from './Copy'
import { Dialog } from './Dialog'
import { Note } from './Note'

interface Props {
  title: string
  label: string
  secret: string
  tone?: 'amber' | 'blue'
  /** What may be done with it, and by whom. */
  children: ReactNode
  onClose: () => void
}

/** Something that is shown this once, to be copied. */
export function SecretDialog({ title, label, secret, tone = 'blue', children, onClose }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Note tone={tone}>{children}</Note>
      <Code text={secret} label={label} />
      <div className="dialog-foot">
        <button type="button" className="button primary" data-autofocus onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
