import { useState } from 'react'
import type { JobType } from '@/api/types'

/** Job types by category; typing narrows them down. */
export function TypePicker({ types, onChoose }: { types: JobType[]; onChoose: (name: string) => void }) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = types.filter((type) => `${type.name} ${type.label} ${type.description}`.toLowerCase().includes(wanted))
  const categories = [...new Set(found.map((type) => type.category || 'Other'))]
  return (
    <div className="stack">
      <input
        className="input"
        data-autofocus
        type="search"
        aria-label="Find a job type"
        placeholder="Find a job type"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && found[0]) {
            event.preventDefault()
            onChoose(found[0].name)
          }
        }}
      />
      <div className="picker">
        {categories.map((category) => (
          <section key={category} className="stack tight">
            <h3 className="muted">{category}</h3>
            {found
              .filter((type) => (type.category || 'Other') === category)
              .map((type) => (
                <button key={type.name} type="button" className="picker-entry" onClick={() => onChoose(type.name)}>
                  <span className="row">
                    <strong>{type.label || type.name}</strong> <code className="muted">{type.name}</code>
                  </span>
                  {type.description && <span className="muted">{type.description}</span>}
                </button>
              ))}
          </section>
        ))}
        {found.length === 0 && <p className="muted">No job type of that name is known here.</p>}
      </div>
    </div>
  )
}
