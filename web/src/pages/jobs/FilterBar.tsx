import { useQuery } from '@tanstack/react-query'
import { Search, X } from 'lucide-react'
import { useId, useState } from 'react'
import { call } from '@/api/client'
import type { JobType } from '@/api/types'
import { useAddress } from '@/app/address'
import { stateWords } from '@/words/states'
import { chipsOf, FILTER_KEYS, keyLabel, typed, withChip, withoutChip, withoutFilter } from './filters'

interface Props {
  /** What the server has against a chip: its key and why. */
  faults: Record<string, string>
}

const VIEWS: [string, string][] = [
  ['', 'All'],
  ['queued,scheduled,blocked,running,retrying,paused,input', 'Unfinished'],
  ['running', 'Running'],
  ['failed', 'Failed'],
  ['interrupted', 'Interrupted'],
  ['succeeded', 'Succeeded'],
]

/** The filter as chips that can be removed, and a field that suggests keys, then values. */
export function FilterBar({ faults }: Props) {
  const [search, setSearch] = useAddress()
  const chips = chipsOf(search)
  return (
    <div className="stack tight">
      <div className="filter-row">
        <fieldset className="segments" aria-label="State">
          {VIEWS.map(([states, label]) => (
            <button
              key={label}
              type="button"
              aria-pressed={(search.get('state') ?? '') === states}
              onClick={() =>
                setSearch((now) =>
                  states
                    ? withChip(withoutChip(now, 'state'), { key: 'state', value: states })
                    : withoutChip(now, 'state'),
                )
              }
            >
              {label}
            </button>
          ))}
        </fieldset>
        <FilterField onChip={(chip) => setSearch((now) => withChip(now, chip))} />
      </div>
      {chips.length > 0 && (
        <ul className="chips" aria-label="Filter">
          {chips.map(({ key, value }) => (
            <li key={key} className="chip" data-fault={key in faults}>
              <span className="cut">
                <b>{keyLabel(key)}</b> {shownValue(key, value)}
                {faults[key] && <span className="fault"> {faults[key]}</span>}
              </span>
              <button
                type="button"
                aria-label={`Remove ${keyLabel(key)} ${value}`}
                onClick={() => setSearch((now) => withoutChip(now, key))}
              >
                <X size={14} aria-hidden="true" />
              </button>
            </li>
          ))}
          <li>
            <button type="button" className="link-button" onClick={() => setSearch(withoutFilter)}>
              Clear filters
            </button>
          </li>
        </ul>
      )}
    </div>
  )
}

function shownValue(key: string, value: string): string {
  const words = value.split(',')
  return key.endsWith('state') ? words.map((word) => stateWords(word).label).join(' or ') : words.join(' or ')
}

function FilterField({ onChip }: { onChip: (chip: { key: string; value: string }) => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(-1)
  const [open, setOpen] = useState(false)
  const listId = useId()
  const suggestions = useSuggestions(text)
  const shown = open && suggestions.length > 0
  const choose = (suggestion: string) => {
    setAt(-1)
    if (suggestion.endsWith('=')) {
      setText(suggestion)
      return
    }
    finish(suggestion)
  }
  const finish = (given: string) => {
    const chip = typed(given)
    if (chip) onChip(chip)
    setText('')
    setAt(-1)
    setOpen(false)
  }
  return (
    <div className="filter-field">
      <Search size={15} aria-hidden="true" />
      <input
        className="input"
        data-filter
        role="combobox"
        aria-label="Filter jobs"
        aria-expanded={shown}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={shown && at >= 0 ? `${listId}-${at}` : undefined}
        placeholder="Filter: tag=nightly, or any text"
        value={text}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onChange={(event) => {
          setText(event.target.value)
          setOpen(true)
          setAt(-1)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault()
            setOpen(true)
            const step = event.key === 'ArrowDown' ? 1 : -1
            setAt((at + step + suggestions.length) % Math.max(1, suggestions.length))
          } else if (event.key === 'Enter') {
            event.preventDefault()
            const suggestion = suggestions[at]
            if (suggestion) choose(suggestion.value)
            else finish(text)
          } else if (event.key === 'Escape') {
            if (open) setOpen(false)
            else event.currentTarget.blur()
          }
        }}
      />
      <div id={listId} role="listbox" aria-label="Suggestions" className="menu filter-menu" hidden={!shown}>
        {suggestions.map((suggestion, row) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the field that owns the list
          <div
            key={suggestion.value}
            id={`${listId}-${row}`}
            role="option"
            tabIndex={-1}
            aria-selected={row === at}
            data-highlighted={row === at || undefined}
            className="menu-item"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(suggestion.value)}
          >
            <span>{suggestion.label}</span>
            <span className="why mono">{suggestion.hint}</span>
          </div>
        ))}
      </div>
    </div>
  )
}

interface Suggestion {
  value: string
  label: string
  hint: string
}

/** First keys, then the values of the key that was typed. */
function useSuggestions(text: string): Suggestion[] {
  const [, minus = '', name = '', wanted] = /^(-?)([a-z_.]*)(?:[=:](.*))?$/i.exec(text.trim()) ?? []
  const types = useQuery({
    queryKey: ['job-types'],
    queryFn: () => call<JobType[]>('job-types'),
    staleTime: 60_000,
    enabled: name === 'job_type',
  })
  if (wanted === undefined) {
    return FILTER_KEYS.filter((key) => key.name.startsWith(name) || key.label.toLowerCase().startsWith(name)).map(
      (key) => ({
        value: `${minus}${key.name}=`,
        label: key.label,
        hint: `${minus}${key.name}=${key.hint}`,
      }),
    )
  }
  const values =
    name === 'job_type'
      ? (types.data ?? []).map((type) => type.name)
      : (FILTER_KEYS.find((key) => key.name === name)?.values ?? [])
  return values
    .filter((value) => value.includes(wanted))
    .slice(0, 12)
    .map((value) => ({
      value: `${minus}${name}=${value}`,
      label: name === 'state' ? stateWords(value).label : value,
      hint: value,
    }))
}
