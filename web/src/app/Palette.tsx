import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useNavigate } from 'react-router'
import { call, query } from '@/api/client'
import { live } from '@/api/live'
import type { Job, Page } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { shortId } from '@/words/numbers'
import { stateWords } from '@/words/states'
import { OTHER_WORDS, VERBS } from '@/words/verbs'
import { nextTheme } from './keys'
import { useMay, usePages } from './session'

interface Entry {
  label: string
  hint: string
  act: () => void
}

/** Go to a page or a job, or do something, by typing a few letters. */
export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const listId = useId()
  const entries = useEntries(text.trim(), onClose, onHelp)
  const chosen = Math.min(at, Math.max(0, entries.length - 1))
  const press = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step) {
      event.preventDefault()
      setAt((chosen + step + entries.length) % Math.max(1, entries.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      entries[chosen]?.act()
    }
  }
  return (
    <Dialog title="Go to or do" onClose={onClose}>
      <input
        className="input"
        data-autofocus
        role="combobox"
        aria-label="Page, verb or end of a job's id"
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={entries[chosen] ? `${listId}-${chosen}` : undefined}
        placeholder="Page, verb, or the end of a job's id"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <div id={listId} role="listbox" aria-label="Found" className="palette-list">
        {entries.map((entry, row) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are handled by the field that owns the list
          <div
            key={`${entry.label}${entry.hint}`}
            id={`${listId}-${row}`}
            role="option"
            tabIndex={-1}
            aria-selected={row === chosen}
            className="menu-item"
            data-highlighted={row === chosen || undefined}
            onMouseMove={() => setAt(row)}
            onClick={entry.act}
          >
            <span className="cut">{entry.label}</span>
            <span className="why">{entry.hint}</span>
          </div>
        ))}
        {entries.length === 0 && <p className="muted menu-title">Nothing of that name.</p>}
      </div>
    </Dialog>
  )
}

function useEntries(text: string, onClose: () => void, onHelp: () => void): Entry[] {
  const navigate = useNavigate()
  const may = useMay('operator')
  const pages = usePages()
  const jobs = useQuery({
    queryKey: ['palette-jobs', text],
    queryFn: () => call<Page<Job>>(`jobs${query({ q: text, limit: 6 })}`),
    enabled: text.length >= 4,
    retry: false,
  })
  const go = (path: string) => () => {
    onClose()
    void navigate(path)
  }
  const wanted = text.toLowerCase()
  const pauseOrGoOn = () => {
    live.toggle()
    onClose()
  }
  const acts: Entry[] = [
    ...pages.map((page) => ({ label: page.label, hint: `page · g ${page.key}`, act: go(page.path) })),
    ...(may ? [{ label: 'New job', hint: 'starts a job', act: go('/jobs?new=') }] : []),
    { label: 'Pause or go on', hint: 'live · l', act: pauseOrGoOn },
    { label: 'Change the theme', hint: 't', act: nextTheme },
    { label: 'Keyboard shortcuts', hint: '?', act: onHelp },
  ]
  const verbs = [...new Set(Object.values(VERBS))].map((label) => ({
    label,
    hint: 'on the page of a job',
    act: go('/jobs'),
  }))
  const others = Object.entries(OTHER_WORDS)
    .filter(([word]) => wanted.length > 2 && word.startsWith(wanted))
    .map(([word, verb]) => ({ label: VERBS[verb], hint: `here "${word}" is called ${VERBS[verb]}`, act: go('/jobs') }))
  const found = [...acts, ...(wanted ? verbs : [])].filter((entry) => entry.label.toLowerCase().includes(wanted))
  const jobEntries = (jobs.data?.items ?? []).map((job) => ({
    label: `${job.job_type} ${shortId(job.id)}`,
    hint: stateWords(job.state).label,
    act: go(`/jobs/${encodeURIComponent(job.id)}`),
  }))
  return [...jobEntries, ...others, ...found].slice(0, 12)
}
