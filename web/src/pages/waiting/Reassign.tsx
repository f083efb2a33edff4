import { useState } from 'react'
import { Dialog } from '@/parts/Dialog'
import { TextField } from '@/parts/TextField'

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
        <TextField
          label="Name"
          hint="Empty: anybody may answer. A claim ends with it."
          data-autofocus
          maxLength={200}
          value={name}
          onChange={setName}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            event.stopPropagation()
            onTo(name.trim() || null)
          }}
        />
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
