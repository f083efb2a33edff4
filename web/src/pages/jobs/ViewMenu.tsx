import { useQuery } from '@tanstack/react-query'
import { Bookmark } from 'lucide-react'
import { useState } from 'react'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Page } from '@/api/types'
import { useAddress } from '@/app/address'
import { useMay } from '@/app/session'
import { FormDialog } from '@/parts/FormDialog'
import { Menu } from '@/parts/Menu'
import { TextField } from '@/parts/TextField'
import { asked, withoutFilter } from './filters'

interface SavedView {
  id: string
  name: string
  page: string
  query: string
  shared: boolean
}

/** Filters under a name: one's own, and those that are shared with everybody. */
export function ViewMenu() {
  const [search, setSearch] = useAddress()
  const act = useAct('views')
  const may = useMay('operator')
  const [naming, setNaming] = useState(false)
  const [opened, setOpened] = useState(false)
  const found = useQuery({
    queryKey: ['views'],
    queryFn: () => call<Page<SavedView>>('views'),
    staleTime: 60_000,
    enabled: opened,
  })
  const views = (found.data?.items ?? []).filter((view) => view.page === 'jobs')
  const text = new URLSearchParams(asked(search)).toString()
  const current = views.find((view) => isSame(view.query, text))
  const show = (view: SavedView) =>
    setSearch((now) => {
      const next = withoutFilter(now)
      next.delete('sort')
      for (const [key, value] of new URLSearchParams(view.query)) next.set(key, value)
      return next
    })
  const save = (name: string, shared: boolean) =>
    act(() => call('views', { body: { name, query: text, shared } }), `Saved: ${name}`)
  const remove = (view: SavedView) =>
    act(
      () => call(`views/${view.id}`, { method: 'DELETE' }),
      `Removed: ${view.name}`,
      () => void save(view.name, view.shared),
    )
  return (
    <>
      <Menu
        onOpen={() => setOpened(true)}
        trigger={
          <button type="button" className="button">
            <Bookmark size={15} aria-hidden="true" /> {current?.name ?? 'Views'}
          </button>
        }
        entries={[
          ...(views.length === 0 && !may ? [{ label: 'No view is shared', why: ' ' }] : []),
          ...views.map((view) => ({
            label: view.shared ? `${view.name} (shared)` : view.name,
            onSelect: () => show(view),
          })),
          ...(views.length > 0 && may ? [{ label: '', line: true }] : []),
          ...(may
            ? [
                {
                  label: 'Save this filter …',
                  why: text ? null : 'No filter is set.',
                  onSelect: () => setNaming(true),
                },
              ]
            : []),
          ...(current && may ? [{ label: `Remove ${current.name}`, onSelect: () => void remove(current) }] : []),
        ]}
      />
      {naming && (
        <Naming
          onClose={() => setNaming(false)}
          onName={(name, shared) => {
            setNaming(false)
            void save(name, shared)
          }}
        />
      )}
    </>
  )
}

interface NamingProps {
  onName: (name: string, shared: boolean) => void
  onClose: () => void
}

function Naming({ onName, onClose }: NamingProps) {
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  return (
    <FormDialog
      title="Save this filter"
      submit="Save view"
      disabled={!name.trim()}
      onSubmit={() => onName(name.trim(), shared)}
      onClose={onClose}
    >
      <TextField label="Name" data-autofocus maxLength={40} value={name} onChange={setName} />
      <label className="check-line">
        <input type="checkbox" checked={shared} onChange={(event) => setShared(event.target.checked)} />
        <span>For everybody</span>
      </label>
    </FormDialog>
  )
}

/** The same filter, in whatever order it was put together. */
function isSame(one: string, other: string): boolean {
  const sorted = (text: string) => {
    const search = new URLSearchParams(text)
    search.sort()
    return search.toString()
  }
  return sorted(one) === sorted(other)
}
