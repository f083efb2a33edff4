import { Plus, Search } from 'lucide-react'
import { useState } from 'react'
import type { JobType } from '@/api/types'
import { Tip } from '@/parts/Tip'

interface Props {
  types: JobType[]
  onAdd: (type: JobType) => void
  disabled?: boolean
}

/** What can become a phase, by category. One press adds it at the end. */
export function JobTypes({ types, onAdd, disabled = false }: Props) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = types.filter(
    (type) => !type.is_chain && `${type.name} ${type.label} ${type.description}`.toLowerCase().includes(wanted),
  )
  const categories = [...new Set(found.map((type) => type.category || 'other'))]
  return (
    <div className="stack">
      <label className="search-field">
        <Search size={15} aria-hidden="true" />
        <span className="unseen">Find a job type</span>
        <input
          className="input"
          type="search"
          data-add-phase
          placeholder="Find a job type"
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && found[0] && !disabled) {
              event.preventDefault()
              onAdd(found[0])
            }
          }}
        />
      </label>
      {categories.map((category) => (
        <section key={category} className="stack tight" aria-label={category}>
          <h2 className="category">{category.replaceAll('_', ' ')}</h2>
          <ul className="type-list">
            {found
              .filter((type) => (type.category || 'other') === category)
              .map((type) => (
                <li key={type.name}>
                  <Tip text={type.description || type.name}>
                    <button
                      type="button"
                      className="type-entry"
                      disabled={disabled}
                      aria-label={`Add ${type.label || type.name}`}
                      onClick={() => onAdd(type)}
                    >
                      <Plus size={15} aria-hidden="true" />
                      <span className="cut">{type.label || type.name}</span>
                    </button>
                  </Tip>
                </li>
              ))}
          </ul>
        </section>
      ))}
      {found.length === 0 && <p className="muted">No job type of that name is known here.</p>}
    </div>
  )
}
