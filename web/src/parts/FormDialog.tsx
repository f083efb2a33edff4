import type { ReactNode } from 'react'
import { Dialog } from './Dialog'

interface Props {
  title: ReactNode
  description?: ReactNode
  /** What the button says that sends it. */
  submit: ReactNode
  /** Whether something is missing, or it is under way: then Enter does nothing, either. */
  disabled?: boolean
  onSubmit: () => void
  onClose: () => void
  children: ReactNode
}

/** A dialog that asks for some values; Enter sends them, too. */
export function FormDialog({ title, description, submit, disabled = false, onSubmit, onClose, children }: Props) {
  return (
    <Dialog title={title} description={description} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (!disabled) onSubmit()
        }}
      >
        {children}
        <div className="dialog-foot">
          <button type="submit" className="button primary" disabled={disabled}>
            {submit}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}
