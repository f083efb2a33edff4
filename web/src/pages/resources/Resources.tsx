import { useQuery } from '@tanstack/react-query'
import { Boxes, Lock, LockOpen } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Holder, Page, Resource } from '@/api/types'
import { useAddress } from '@/app/address'
import { useMay } from '@/app/session'
import { Bar } from '@/parts/Bar'
import { Confirm } from '@/parts/Confirm'
import { Code } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Menu } from '@/parts/Menu'
import { MoreButton } from '@/parts/MoreButton'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { percent, plural, shortId } from '@/words/numbers'
import type { Tone } from '@/words/states'

const EXAMPLE = `@app.job(resources=["gpu"])
def embed(ctx: Context, texts: list[str]) -> None: ...`

const TONES: Record<Resource['mode'], Tone> = { free: 'green', exclusive: 'blue', shared: 'blue', held: 'amber' }

const at = (name: string) => `resources/${encodeURIComponent(name)}`

function modeOf({ mode, holders, capacity }: Resource): string {
  if (mode === 'free') return 'Free'
  if (mode === 'held') return 'Held for maintenance'
  return mode === 'shared' ? `Shared, ${holders.length} of ${capacity}` : 'In use'
}

type Ask = { kind: 'hold'; resource: Resource } | { kind: 'release'; resource: Resource; holder: Holder }

/** Who has what, who waits for it, and what a person keeps back. */
export function Resources() {
  const found = useQuery({
    queryKey: ['resources'],
    queryFn: () => call<Page<Resource>>('resources'),
    refetchInterval: 5_000,
  })
  const [search, setSearch] = useAddress()
  const asTable = search.get('as') === 'table'
  const may = useMay('operator')
  const act = useAct('resources')
  const [ask, setAsk] = useState<Ask | null>(null)
  const menu = (resource: Resource) => (
    <Menu
      trigger={<MoreButton label={`What can be done with ${resource.name}`} />}
      entries={[
        resource.held_by
          ? {
              label: 'End hold',
              onSelect: () =>
                void act(() => call(`${at(resource.name)}/release`, { body: {} }), `Free again: ${resource.name}`),
            }
          : { label: 'Hold for maintenance …', onSelect: () => setAsk({ kind: 'hold', resource }) },
        ...resource.holders.map((holder) => ({
          label: `Force release from ${shortId(holder.job)} …`,
          onSelect: () => setAsk({ kind: 'release', resource, holder }),
        })),
      ]}
    />
  )
  return (
    <>
      <PageHead title="Resources" lead="What jobs occupy while they run, who has it, and who waits for it.">
        <div className="segments">
          {['cards', 'table'].map((kind) => (
            <button
              key={kind}
              type="button"
              aria-pressed={asTable === (kind === 'table')}
              onClick={() =>
                setSearch((old) => {
                  old.set('as', kind)
                  return old
                })
              }
            >
              {kind === 'table' ? 'Table' : 'Cards'}
            </button>
          ))}
        </div>
      </PageHead>
      <View query={found} rows={5}>
        {({ items }) =>
          items.length === 0 ? (
            <div className="card">
              <Empty title="No job declares a resource" icon={Boxes}>
                <p>Jobs that name the same resource do not run at the same time.</p>
                <Code text={EXAMPLE} label="Example" />
              </Empty>
            </div>
          ) : asTable ? (
            <div className="card">
              <Table
                label="Resources"
                rows={items}
                rowKey={(row) => row.name}
                menu={may ? menu : undefined}
                columns={[
                  { name: 'name', label: 'Resource', cell: (row) => <code>{row.name}</code> },
                  { name: 'mode', label: 'Now', cell: (row) => modeOf(row) },
                  { name: 'holders', label: 'Has it', kind: 'wide', cell: (row) => <Holders of={row} /> },
                  { name: 'waiting', label: 'Waiting', kind: 'number', cell: (row) => row.waiting },
                ]}
              />
            </div>
          ) : (
            <div className="stack">
              {groups(items).map(([title, group]) => (
                <section key={title} className="stack tight" aria-label={title}>
                  <h2>{title}</h2>
                  <ul className="resource-board">
                    {group.map((resource) => (
                      <Card key={resource.name} resource={resource} menu={may ? menu(resource) : null} />
                    ))}
                  </ul>
                </section>
              ))}
            </div>
          )
        }
      </View>
      {ask?.kind === 'hold' && (
        <Confirm
          title={`Hold ${ask.resource.name}?`}
          action="Hold it"
          back="Leave it free"
          reason="required"
          onClose={() => setAsk(null)}
          onConfirm={(reason) =>
            act(() => call(`${at(ask.resource.name)}/hold`, { body: { reason } }), `Held: ${ask.resource.name}`)
          }
        >
          <p>No job gets it until you end the hold. Whoever has it now keeps it to its end.</p>
        </Confirm>
      )}
      {ask?.kind === 'release' && (
        <Confirm
          title={`Take ${ask.resource.name} from its job?`}
          action="Force release"
          typed={ask.resource.name}
          onClose={() => setAsk(null)}
          onConfirm={() => call(`${at(ask.resource.name)}/release`, { body: { job: ask.holder.job } })}
        >
          <p>
            Job {shortId(ask.holder.job)} may still be at work. Two writers may corrupt what is behind{' '}
            {ask.resource.name}.
          </p>
        </Confirm>
      )}
    </>
  )
}

function groups(all: Resource[]): [string, Resource[]][] {
  const vectors = all
    .filter((one) => one.dimension !== null)
    .sort((one, two) => (one.dimension ?? 0) - (two.dimension ?? 0))
  const sources = all.filter((one) => one.kind === 'source')
  const others = all.filter((one) => one.dimension === null && one.kind !== 'source')
  const named: [string, Resource[]][] = [
    ['Vector databases', vectors],
    ['Resources', others],
    ['Sources', sources],
  ]
  return named.filter(([, group]) => group.length > 0)
}

function Card({ resource, menu }: { resource: Resource; menu: React.ReactNode }) {
  const Icon = resource.mode === 'free' ? LockOpen : Lock
  return (
    <li className="card board-card" data-tone={TONES[resource.mode]}>
      <div className="row spread">
        <h3>
          {resource.dimension === null ? resource.name.replace(/^source:/, '') : `${resource.dimension} dimensions`}
        </h3>
        {menu}
      </div>
      <span className="state">
        <Icon aria-hidden="true" size={16} /> {modeOf(resource)}
      </span>
      {resource.held_by && (
        <p className="muted small">
          By {resource.held_by}
          {resource.held_at && (
            <>
              {' '}
              since <Time at={resource.held_at} />
            </>
          )}
          {resource.held_reason && `: ${resource.held_reason}`}
        </p>
      )}
      <Holders of={resource} />
      {resource.waiting > 0 && (
        <details>
          <summary>{plural(resource.waiting, 'job')} waiting</summary>
          <ol className="waiters">
            {resource.waiters.map((holder) => (
              <li key={holder.job}>
                <JobLink holder={holder} />
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  )
}

function Holders({ of }: { of: Resource }) {
  return (
    <>
      {of.holders.map((holder) => (
        <div key={holder.job} className="holder">
          <span className="row spread">
            <JobLink holder={holder} />
            <span className="number muted">{percent(holder.percent)}</span>
          </span>
          <Bar value={holder.percent} label={`How far ${shortId(holder.job)} is`} />
        </div>
      ))}
    </>
  )
}

function JobLink({ holder }: { holder: Holder }) {
  return (
    <Link to={`/jobs/${encodeURIComponent(holder.job)}`} className="cut">
      {holder.job_type ?? 'job'} {holder.source_id} <code className="muted">{shortId(holder.job)}</code>
    </Link>
  )
}
