import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { call } from '@/api/client'
import type { Change, Finding, Page, Setting } from '@/api/types'
import { useAddress } from '@/app/address'
import { prefer, usePreference } from '@/app/preferences'
import { useMay } from '@/app/session'
import { Empty } from '@/parts/Empty'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Tabs } from '@/parts/Tabs'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import type { Tone } from '@/words/states'
import { Keys } from './Keys'

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
