import { ChevronLeft, ChevronRight, Link as LinkIcon, ListChecks, MoreHorizontal, Plus, SearchX } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import { fitting } from '@/acts/allowed'
import { useActs } from '@/acts/JobActs'
import { Problem } from '@/api/client'
import type { Job } from '@/api/types'
import { useAddress } from '@/app/address'
import { useLimited, useMay } from '@/app/session'
import { Code, copy } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { Menu } from '@/parts/Menu'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { View } from '@/parts/View'
import { capped, count, plural, shortId } from '@/words/numbers'
import { VERBS } from '@/words/verbs'
import { BulkBar } from './BulkBar'
import { ColumnMenu } from './ColumnMenu'
import { useColumns } from './columns'
import { ExportMenu } from './ExportMenu'
import { FilterBar } from './FilterBar'
import { asked, chipsOf, withoutChip, withoutFilter } from './filters'
import { remember } from './neighbours'
import { useCount, useJobs } from './useJobs'
import { useRowKeys } from './useRowKeys'
import { ViewMenu } from './ViewMenu'

const EXAMPLE = `from onward import Context, Onward

app = Onward("sqlite:///jobs.db")


@app.job()
def count_words(ctx: Context, folder: str) -> dict:
    total = 0
    for path in ctx.each(sorted(Path(folder).glob("*.txt")), key=str):
        total += len(path.read_text().split())
        ctx.state["total"] = total
    return {"total": total}


app.submit("count_words", {"folder": "texts"})`

/** All jobs: the filter is the address, pages go by cursor, rows stay where they are. */
export function Jobs() {
  const [search, setSearch] = useAddress()
  const navigate = useNavigate()
  const { act, start } = useActs()
  const may = useMay('operator')
  const limited = useLimited()
  const filter = useMemo(() => asked(search), [search])
  const filterKey = JSON.stringify(filter)
  const after = search.get('after')
  const { found, jobs, fresh, showFresh } = useJobs(filter, after)
  const { columns, names, setNames, reset } = useColumns()
  const [exact, setExact] = useState(false)
  const counted = useCount(filter, exact, found.isSuccess)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [all, setAll] = useState(false)
  const active = useRowKeys(jobs, {
    open: (job) => void navigate(`/jobs/${encodeURIComponent(job.id)}`, { state: { from: 'jobs' } }),
    select: (job) => pick([job.id], !selected.has(job.id)),
    enabled: true,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list, so nothing of the old one stays chosen
  useEffect(() => {
    setSelected(new Set())
    setAll(false)
    setExact(false)
  }, [filterKey])
  useEffect(() => remember(jobs.map((job) => job.id)), [jobs])
  useEffect(() => {
    if (!search.has('new') || !may) return
    start(search.get('new') ?? '')
    setSearch(
      (old) => {
        old.delete('new')
        return old
      },
      { replace: true },
    )
  }, [search, may, start, setSearch])
  const pick = (keys: string[], on: boolean) => {
    setAll(false)
    setSelected((old) => {
      const next = new Set(old)
      for (const key of keys) on ? next.add(key) : next.delete(key)
      return next
    })
  }
  const go = (cursor: string | null) =>
    setSearch((old) => {
      if (cursor) old.set('after', cursor)
      else old.delete('after')
      return old
    })
  const chips = chipsOf(search)
  const faults = found.error instanceof Problem ? faultsOf(found.error) : {}
  const page = found.data
  const chosen = jobs.filter((job) => selected.has(job.id))
  return (
    <>
      <PageHead title="Jobs">
        <button
          type="button"
          className="button"
          onClick={() => {
            const url = new URL(location.href)
            url.searchParams.delete('after')
            void copy(url.href, 'Link copied')
          }}
        >
          <LinkIcon size={15} aria-hidden="true" /> Copy link
        </button>
        <ViewMenu />
        <ExportMenu filter={filter} />
        <ColumnMenu names={names} onChange={setNames} onReset={reset} />
        {may && (
          <button type="button" className="button primary" onClick={() => start()}>
            <Plus size={16} aria-hidden="true" /> New job
          </button>
        )}
      </PageHead>
      <div className="stack">
        <FilterBar faults={faults} />
        <section className="card" aria-label="Jobs">
          {fresh > 0 && (
            <button type="button" className="fresh" onClick={() => (after ? go(null) : showFresh())}>
              {plural(fresh, 'new job')}: show
            </button>
          )}
          {may && !limited && chosen.length > 0 && (
            <BulkBar
              jobs={chosen}
              filter={filter}
              chips={chips}
              all={all}
              counted={counted}
              canAll={chosen.length === jobs.length && Boolean(page?.next || page?.prev)}
              onAll={() => setAll(true)}
              onClear={() => {
                setSelected(new Set())
                setAll(false)
              }}
            />
          )}
          {page?.searched && (
            <p className="searched muted small">
              Looked at the newest {count(page.searched)}.{' '}
              <button
                type="button"
                className="link-button"
                onClick={() =>
                  setSearch((old) => {
                    old.set('deep', 'true')
                    return old
                  })
                }
              >
                Search all (slow)
              </button>
            </p>
          )}
          <View query={found} rows={8}>
            {() =>
              jobs.length === 0 ? (
                <NoJobs
                  filtered={chips.length > 0}
                  may={may}
                  onClear={() => setSearch(withoutFilter)}
                  onRemove={(key) => setSearch((now) => withoutChip(now, key))}
                  chips={chips}
                />
              ) : (
                <>
                  <Table
                    label="Jobs"
                    rows={jobs}
                    columns={columns}
                    rowKey={(job) => job.id}
                    rowName={(job) => `${job.job_type} ${shortId(job.id)}`}
                    active={active}
                    selected={selected}
                    onSelect={may ? pick : undefined}
                    menu={(job) => <RowMenu job={job} may={may} onAct={(verb) => act(job, verb)} />}
                  />
                  <div className="table-foot">
                    <span className="number">
                      {count(jobs.length)}
                      {counted && (
                        <>
                          {' of '}
                          {counted.exact ? (
                            count(counted.value)
                          ) : (
                            <button type="button" className="link-button" onClick={() => setExact(true)}>
                              {capped(counted)}
                            </button>
                          )}
                        </>
                      )}
                    </span>
                    <span className="row">
                      <button
                        type="button"
                        className="button small"
                        disabled={!page?.prev}
                        onClick={() => go(page?.prev ?? null)}
                      >
                        <ChevronLeft size={15} aria-hidden="true" /> Newer
                      </button>
                      <button
                        type="button"
                        className="button small"
                        disabled={!page?.next}
                        onClick={() => go(page?.next ?? null)}
                      >
                        Older <ChevronRight size={15} aria-hidden="true" />
                      </button>
                    </span>
                  </div>
                </>
              )
            }
          </View>
        </section>
      </div>
    </>
  )
}

/** What the server has against the filter, each at its chip. */
function faultsOf(problem: Problem): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const { pointer, message } of problem.record.errors ?? []) faults[pointer.split('/').at(-1) ?? ''] = message
  return faults
}

function RowMenu({ job, may, onAct }: { job: Job; may: boolean; onAct: (verb: keyof typeof VERBS) => void }) {
  const verbs = may ? fitting(job) : []
  return (
    <Menu
      trigger={
        <button
          type="button"
          className="button quiet small icon"
          aria-label={`What can be done with ${job.job_type} ${shortId(job.id)}`}
          data-row-menu
        >
          <MoreHorizontal size={16} aria-hidden="true" />
        </button>
      }
      entries={[
        ...verbs.map((verb) => ({ label: VERBS[verb], onSelect: () => setTimeout(() => onAct(verb)) })),
        ...(verbs.length ? [{ label: '', line: true }] : []),
        { label: 'Copy id', onSelect: () => void copy(job.id, 'Id copied') },
      ]}
    />
  )
}

interface NoJobsProps {
  filtered: boolean
  may: boolean
  chips: { key: string; value: string }[]
  onClear: () => void
  onRemove: (key: string) => void
}

function NoJobs({ filtered, may, chips, onClear, onRemove }: NoJobsProps) {
  const { start } = useActs()
  if (filtered) {
    return (
      <Empty title="No jobs match" icon={SearchX}>
        <div className="chips">
          {chips.map(({ key, value }) => (
            <button key={key} type="button" className="button small" onClick={() => onRemove(key)}>
              Without {key}={value.length > 24 ? `${value.slice(0, 24)}…` : value}
            </button>
          ))}
          <button type="button" className="button small primary" onClick={onClear}>
            Clear filters
          </button>
        </div>
      </Empty>
    )
  }
  return (
    <Empty title="No jobs yet" icon={ListChecks}>
      <p>A job appears here as soon as a program, a schedule, the command line or this page submits one.</p>
      <Code text={EXAMPLE} label="Example" />
      <Code text="onward run JOB_TYPE --watch" />
      {may && (
        <button type="button" className="button primary" onClick={() => start()}>
          New job
        </button>
      )}
    </Empty>
  )
}
