import { ArrowDown, ArrowUp, Columns3 } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '@/parts/Dialog'
import { COLUMNS } from './columns'

interface Props {
  names: string[]
  onChange: (names: string[]) => void
  onReset: () => void
}

/** Which columns are shown, and in which order; kept in this browser. */
export function ColumnMenu({ names, onChange, onReset }: Props) {
  const [open, setOpen] = useState(false)
  const labels = new Map(COLUMNS.map((column) => [column.name, column.label]))
  const rest = COLUMNS.map((column) => column.name).filter((name) => !names.includes(name))
  const move = (name: string, step: number) => {
    const next = [...names]
    const at = next.indexOf(name)
    next.splice(at, 1)
    next.splice(at + step, 0, name)
    onChange(next)
  }
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Columns3 size={15} aria-hidden="true" /> Columns
      </button>
      {open && (
        <Dialog title="Columns" onClose={() => setOpen(false)}>
          <ul className="column-list">
            {names.map((name, at) => (
              <li key={name} className="row spread">
                <label className="check-line">
                  <input
                    type="checkbox"
                    checked
                    disabled={names.length === 1}
                    onChange={() => onChange(names.filter((kept) => kept !== name))}
                  />
                  <span>{labels.get(name)}</span>
                </label>
                <span className="row">
                  <button
                    type="button"
                    className="button small quiet icon"
                    aria-label={`Move ${labels.get(name)} up`}
                    disabled={at === 0}
                    onClick={() => move(name, -1)}
                  >
                    <ArrowUp size={15} aria-hidden="true" />
                  </button>
                  <button
                    type="button"
                    className="button small quiet icon"
                    aria-label={`Move ${labels.get(name)} down`}
                    disabled={at === names.length - 1}
                    onClick={() => move(name, 1)}
                  >
                    <ArrowDown size={15} aria-hidden="true" />
                  </button>
                </span>
              </li>
            ))}
            {rest.map((name) => (
              <li key={name} className="row">
                <label className="check-line">
                  <input type="checkbox" checked={false} onChange={() => onChange([...names, name])} />
                  <span>{labels.get(name)}</span>
                </label>
              </li>
            ))}
          </ul>
          <div className="dialog-foot">
            <button type="button" className="button" onClick={() => setOpen(false)}>
              Done
            </button>
            <button type="button" className="button quiet" onClick={onReset}>
              As it was
            </button>
          </div>
        </Dialog>
      )}
    </>
  )
}
