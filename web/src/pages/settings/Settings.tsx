import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { Link } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call, type Problem } from '@/api/client'
import type { ApiKey, Change, Finding, Page, Role, Setting } from '@/api/types'
import { useAddress } from '@/app/address'
import { prefer, usePreference } from '@/app/preferences'
import { useMay } from '@/app/session'
import { Confirm } from '@/parts/Confirm'
import { Code } from '@/parts/Copy'
import { Dialog } from '@/parts/Dialog'
import { Empty } from '@/parts/Empty'
import { FormDialog } from '@/parts/FormDialog'
import { Note, ProblemNote } from '@/parts/Note'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Tabs } from '@/parts/Tabs'
import { TextField } from '@/parts/TextField'
import { Time } from '@/parts/Time'
import { asProblem, View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import type { Tone } from '@/words/states'

const RESULT: Record<Finding['result'], Tone> = { ok: 'green', warn: 'amber', fail: 'red' }

/** What is set and where it comes from, whether all is well, who has keys, and who did what. */
export function Settings() {
  const [search, setSearch] = useAddress()
  const admin = useMay('admin')
  const operator = useMay('operator')
  return (
    <>
      <PageHead title="Settings" lead="What is set and where it comes from, whether all is well, and who did what." />
      <Tabs
        label="Settings"
        value={search.get('tab') ?? 'health'}
        onChange={(name) =>
          setSearch((old) => {
            old.set('tab', name)
            return old
          })
        }
        tabs={[
          { name: 'health', label: 'Health', content: () => <Health /> },
          ...(operator ? [{ name: 'values', label: 'Configuration', content: () => <Values /> }] : []),
          ...(admin ? [{ name: 'keys', label: 'Keys', content: () => <Keys /> }] : []),
          ...(operator ? [{ name: 'audit', label: 'Audit log', content: () => <Audit /> }] : []),
          { name: 'look', label: 'Keyboard', content: () => <Keyboard /> },
        ]}
      />
    </>
  )
}

function Health() {
  const found = useQuery({ queryKey: ['health'], queryFn: () => call<Page<Finding>>('health') })
  return (
    <View query={found} rows={6}>
      {({ items }) => (
        <div className="card">
          <Table
            label="Health"
            rows={items}
            rowKey={(row) => `${row.check}${row.text}`}
            columns={[
              {
                name: 'result',
                label: 'Result',
                cell: (row) => (
                  <span className="badge" data-tone={RESULT[row.result]}>
                    {row.result}
                  </span>
                ),
              },
              { name: 'check', label: 'Check', cell: (row) => <strong>{row.check}</strong> },
              { name: 'text', label: 'Found', kind: 'wide', cell: (row) => row.text },
              { name: 'fix', label: 'Mend', cell: (row) => row.fix && <code>{row.fix}</code> },
            ]}
          />
        </div>
      )}
    </View>
  )
}

function Values() {
  const [all, setAll] = useState(false)
  const found = useQuery({ queryKey: ['settings'], queryFn: () => call<Page<Setting>>('settings') })
  return (
    <div className="stack">
      <label className="check-line">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} />
        <span>Show what is at its default, too</span>
      </label>
      <View query={found} rows={8}>
        {({ items }) => {
          const shown = items.filter((item) => all || item.origin !== 'default')
          return shown.length === 0 ? (
            <div className="card">
              <Empty title="Everything is at its default" />
            </div>
          ) : (
            <div className="card">
              <Table
                label="Configuration"
                rows={shown}
                rowKey={(row) => row.key}
                columns={[
                  { name: 'key', label: 'Setting', cell: (row) => <code>{row.key}</code> },
                  {
                    name: 'value',
                    label: 'Value',
                    kind: 'wide',
                    cell: (row) => <code>{JSON.stringify(row.value)}</code>,
                  },
                  { name: 'origin', label: 'Comes from', cell: (row) => row.origin },
                  { name: 'hides', label: 'Hides', cell: (row) => row.overridden.join(', ') },
                ]}
              />
            </div>
          )
        }}
      </View>
      <p className="muted">
        Values are set by files, the environment and flags, and change there: <code>onward config show</code>.
      </p>
    </div>
  )
}

function Keys() {
  const found = useQuery({ queryKey: ['keys'], queryFn: () => call<Page<ApiKey>>('keys') })
  const [making, setMaking] = useState(false)
  const [gone, setGone] = useState<ApiKey | null>(null)
  const act = useAct('keys')
  return (
    <div className="stack">
      <div>
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          New key
        </button>
      </div>
      <View query={found} rows={3}>
        {({ items }) =>
          items.length === 0 ? (
            <div className="card">
              <Empty title="There are no keys">
                <p>On this machine nobody needs one. Programs elsewhere do.</p>
              </Empty>
            </div>
          ) : (
            <div className="card">
              <Table
                label="Keys"
                rows={items}
                rowKey={(row) => row.id}
                columns={[
                  { name: 'name', label: 'Name', kind: 'wide', cell: (row) => <strong>{row.name}</strong> },
                  { name: 'start', label: 'Begins', cell: (row) => <code>{row.start}…</code> },
                  { name: 'role', label: 'Role', cell: (row) => row.role },
                  { name: 'made', label: 'Made', cell: (row) => <Time at={row.created_at} /> },
                  {
                    name: 'used',
                    label: 'Last used',
                    cell: (row) => (row.used_at ? <Time at={row.used_at} /> : 'never'),
                  },
                  {
                    name: 'ends',
                    label: 'Good until',
                    cell: (row) =>
                      row.revoked_at ? (
                        <span className="state" data-tone="red">
                          revoked
                        </span>
                      ) : row.expires_at ? (
                        <Time at={row.expires_at} as="clock" />
                      ) : (
                        'no end'
                      ),
                  },
                  {
                    name: 'revoke',
                    label: '',
                    cell: (row) =>
                      row.is_good && (
                        <button type="button" className="button small" onClick={() => setGone(row)}>
                          Revoke
                        </button>
                      ),
                  },
                ]}
              />
            </div>
          )
        }
      </View>
      {making && <NewKey onClose={() => setMaking(false)} />}
      {gone && (
        <Confirm
          title={`Revoke the key ${gone.name}?`}
          action="Revoke key"
          onClose={() => setGone(null)}
          onConfirm={() => act(() => call(`keys/${gone.id}`, { method: 'DELETE' }), `Revoked: ${gone.name}`)}
        >
          <p>Whoever uses it is signed out at once. It cannot be made good again.</p>
        </Confirm>
      )}
    </div>
  )
}

function NewKey({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const id = useId()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [days, setDays] = useState('90')
  const [made, setMade] = useState<ApiKey | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const make = async () => {
    setProblem(null)
    try {
      setMade(await call<ApiKey>('keys', { body: { name, role, days: days.trim() ? Number(days) : null } }))
      void queries.invalidateQueries({ queryKey: ['keys'] })
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  if (made) {
    return (
      <Dialog title={`The key ${made.name}`} onClose={onClose}>
        <Note tone="amber">It is shown this once. Keep it where only its user can read it.</Note>
        <Code text={made.secret ?? ''} label="Key" />
        <div className="dialog-foot">
          <button type="button" className="button primary" data-autofocus onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    )
  }
  return (
    <FormDialog
      title="New key"
      submit="Make key"
      disabled={!name.trim()}
      onSubmit={() => void make()}
      onClose={onClose}
    >
      <TextField label="Name" data-autofocus placeholder="nightly import" value={name} onChange={setName} />
      <div className="form-grid">
        <div className="field">
          <label htmlFor={`${id}role`}>Role</label>
          <select
            id={`${id}role`}
            className="input"
            value={role}
            onChange={(event) => setRole(event.target.value as Role)}
          >
            <option value="viewer">viewer: looks</option>
            <option value="operator">operator: steers jobs</option>
            <option value="editor">editor: changes schedules and chains</option>
            <option value="admin">admin: everything</option>
          </select>
        </div>
        <TextField label="Good for (days)" type="number" min={1} placeholder="no end" value={days} onChange={setDays} />
      </div>
      {problem && <ProblemNote problem={problem} />}
    </FormDialog>
  )
}

function Audit() {
  const [search, setSearch] = useAddress()
  const after = search.get('after')
  const found = useQuery({
    queryKey: ['audit', after],
    queryFn: () => call<Page<Change & { job: string }>>(`audit${after ? `?after=${encodeURIComponent(after)}` : ''}`),
  })
  const go = (cursor: string | null) =>
    setSearch((old) => {
      if (cursor) old.set('after', cursor)
      else old.delete('after')
      return old
    })
  return (
    <View query={found} rows={8}>
      {({ items, next }) =>
        items.length === 0 ? (
          <div className="card">
            <Empty title="Nobody has done anything yet" />
          </div>
        ) : (
          <div className="card">
            <Table
              label="Audit log"
              rows={items}
              rowKey={(row) => String(row.seq)}
              columns={[
                { name: 'at', label: 'When', cell: (row) => <Time at={row.at} as="full" /> },
                { name: 'actor', label: 'Who', cell: (row) => row.actor ?? '' },
                { name: 'kind', label: 'What', cell: (row) => row.kind },
                {
                  name: 'job',
                  label: 'Job',
                  kind: 'wide',
                  cell: (row) => (
                    <Link to={`/jobs/${encodeURIComponent(row.job)}?tab=history`}>{shortId(row.job)}</Link>
                  ),
                },
              ]}
            />
            <div className="table-foot">
              <button type="button" className="button small" disabled={!after} onClick={() => go(null)}>
                Newest
              </button>
              <button type="button" className="button small" disabled={!next} onClick={() => go(next)}>
                Older
              </button>
            </div>
          </div>
        )
      }
    </View>
  )
}

function Keyboard() {
  const [letters] = usePreference('shortcuts', true)
  return (
    <label className="check-line">
      <input type="checkbox" checked={letters} onChange={(event) => prefer('shortcuts', event.target.checked)} />
      <span>Keys of one letter (press ? for all of them)</span>
    </label>
  )
}
