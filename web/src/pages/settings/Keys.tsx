import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useAct } from '@/acts/useAct'
import { call, type Problem } from '@/api/client'
import type { ApiKey, Limits, Page, Role } from '@/api/types'
import { Confirm } from '@/parts/Confirm'
import { Empty } from '@/parts/Empty'
import { FormDialog } from '@/parts/FormDialog'
import { ProblemNote } from '@/parts/Note'
import { SecretDialog } from '@/parts/SecretDialog'
import { Table } from '@/parts/Table'
import { TextField } from '@/parts/TextField'
import { Time } from '@/parts/Time'
import { asProblem, View } from '@/parts/View'
import { limitsText } from '@/words/limits'

/** Who has keys: what each may do, with which jobs, and until when. */
export function Keys() {
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
                  { name: 'name', label: 'Name', cell: (row) => <strong>{row.name}</strong> },
                  { name: 'start', label: 'Begins', cell: (row) => <code>{row.start}…</code> },
                  { name: 'role', label: 'Role', cell: (row) => row.role },
                  { name: 'jobs', label: 'Jobs', kind: 'wide', cell: (row) => limitsText(row.limits) || 'all' },
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
  const [queues, setQueues] = useState('')
  const [types, setTypes] = useState('')
  const [made, setMade] = useState<ApiKey | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const make = async () => {
    setProblem(null)
    const limits: Limits = { queues: names(queues), job_types: names(types) }
    try {
      setMade(await call<ApiKey>('keys', { body: { name, role, days: days.trim() ? Number(days) : null, limits } }))
      void queries.invalidateQueries({ queryKey: ['keys'] })
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  if (made) {
    return (
      <SecretDialog
        title={`The key ${made.name}`}
        label="Key"
        secret={made.secret ?? ''}
        tone="amber"
        onClose={onClose}
      >
        It is shown this once. Keep it where only its user can read it.
      </SecretDialog>
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
        <TextField label="Only queues" placeholder="all" value={queues} onChange={setQueues} />
        <TextField label="Only job types" placeholder="all, or embed*, chunk" value={types} onChange={setTypes} />
      </div>
      {problem && <ProblemNote problem={problem} />}
    </FormDialog>
  )
}

/** Names with commas between them. */
function names(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
}
