import { useState } from 'react'
import { Dialog } from '@/parts/Dialog'

interface Props {
  to: string | null
  onTo: (to: string | null) => void
  onClose: () => void
}

/** Whom to ask instead. */
export function Reassign({ to, onTo, onClose }: Props) {
  const [name, setName] = useState(to ?? '')
  return (
    <Dialog title="Ask somebody else" onClose={onClose}>
      {/* Not a form of its own: the dialog is opened from within one. */}
      <div className="stack">
        <div className="field">
          <label htmlFor="reassign-to">Name</label>
          <input
            id="reassign-to"
            className="input"
            data-autofocus
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter') return
              event.preventDefault()
              event.stopPropagation()
              onTo(name.trim() || null)
            }}
          />
          <span className="hint">Empty: anybody may answer. A claim ends with it.</span>
        </div>
        <div className="dialog-foot">
          <button type="button" className="button primary" onClick={() => onTo(name.trim() || null)}>
            Ask {name.trim() || 'anybody'}
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  )
}
