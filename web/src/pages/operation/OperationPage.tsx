import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import { call } from '@/api/client'
import { live } from '@/api/live'
import type { Operation, OperationItem, Page } from '@/api/types'
import { useMay } from '@/app/session'
import { Bar } from '@/parts/Bar'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { count, plural, shortId } from '@/words/numbers'
import { VERBS, type Verb } from '@/words/verbs'

const WORDS: Record<string, string> = { running: 'At work', done: 'Over', stopped: 'Stopped' }
const OVER = new Set(['done', 'stopped'])

/** One verb for many jobs, done in the background: how far, what came of each, and a stop. */
export function OperationPage() {
  const { id = '' } = useParams()
  const may = useMay('operator')
  const path = `operations/${encodeURIComponent(id)}`
  const found = useQuery({
    queryKey: ['operation', id],
    queryFn: () => call<Operation>(path),
    refetchInterval: ({ state }) => (state.data && !OVER.has(state.data.state) && !live.isPaused() ? 500 : false),
  })
  const items = useQuery({
    queryKey: ['operation', id, 'items', found.data?.left],
    queryFn: () => call<Page<OperationItem>>(`${path}/items?limit=200`),
    enabled: found.data !== undefined,
    placeholderData: (old) => old,
  })
  const stop = async () => {
    try {
      await call(`${path}/cancel`, { method: 'POST' })
      await found.refetch()
    } catch (error) {
      toast(asProblem(error).message)
    }
  }
  const operation = found.data
  const verb = operation ? (VERBS[operation.action as Verb] ?? 'Change') : 'Operation'
  return (
    <>
      <PageHead title={operation ? `${verb}: ${plural(operation.total, 'job')}` : 'Operation'}>
        {may && operation && !OVER.has(operation.state) && (
          <button type="button" className="button" onClick={() => void stop()}>
            Stop
          </button>
        )}
      </PageHead>
      <View query={found} rows={4}>
        {(shown) => {
          const total = shown.total
          return (
            <div className="stack">
              <section className="card card-body stack tight" aria-label="Progress">
                <Bar
                  value={total ? ((total - shown.left) / total) * 100 : 100}
                  state={OVER.has(shown.state) ? 'succeeded' : 'running'}
                  large
                  label="Progress of the operation"
                />
                <p className="number" role="status">
                  {WORDS[shown.state] ?? shown.state}: {count(shown.done)} of {count(total)} done
                  {shown.skipped > 0 && `, ${count(shown.skipped)} skipped`}
                  {shown.failed > 0 && `, ${count(shown.failed)} failed`}
                </p>
                {shown.action === 'change' && <p className="muted">{changeText(shown.change)}</p>}
              </section>
              {items.data && items.data.items.length > 0 && (
                <section className="card" aria-label="What came of each">
                  <Table
                    label="What came of each"
                    rows={items.data.items}
                    rowKey={(row) => row.job}
                    columns={[
                      {
                        name: 'job',
                        label: 'Job',
                        cell: (row) => (
                          <Link className="main-link mono" to={`/jobs/${encodeURIComponent(row.job)}`}>
                            {shortId(row.job)}
                          </Link>
                        ),
                      },
                      { name: 'outcome', label: 'Outcome', cell: (row) => row.outcome ?? 'not yet' },
                      {
                        name: 'message',
                        label: 'Why',
                        kind: 'wide',
                        cell: (row) => <div className="muted cut">{row.message}</div>,
                      },
                    ]}
                  />
                </section>
              )}
            </div>
          )
        }}
      </View>
    </>
  )
}

/** "priority 7, queue gpu, tags late, night". */
function changeText({ priority, queue, add_tags: tags }: Operation['change']): string {
  const said = [
    priority !== undefined && `priority ${priority}`,
    queue && `queue ${queue}`,
    tags && `tags ${tags.join(', ')}`,
  ]
  return said.filter(Boolean).join(', ')
}
