import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus, Workflow } from 'lucide-react'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { call } from '@/api/client'
import type { ChainRecord, ChainsAnswer, JobType } from '@/api/types'
import { useMay } from '@/app/session'
import { Confirm } from '@/parts/Confirm'
import { Empty } from '@/parts/Empty'
import { Menu } from '@/parts/Menu'
import { MoreButton } from '@/parts/MoreButton'
import { PageHead } from '@/parts/PageHead'
import { Time } from '@/parts/Time'
import { toast } from '@/parts/Toasts'
import { View } from '@/parts/View'
import { plural } from '@/words/numbers'

/** All chains: those that were saved here, and those that the application brings. */
export function Chains() {
  const chains = useQuery({ queryKey: ['chains'], queryFn: () => call<ChainsAnswer>('chains') })
  const types = useQuery({ queryKey: ['job-types'], queryFn: () => call<JobType[]>('job-types'), staleTime: 60_000 })
  const may = useMay('editor')
  const [gone, setGone] = useState<ChainRecord | null>(null)
  const labels = new Map(types.data?.map((type) => [type.name, type.label || type.name]))
  return (
    <>
      <PageHead title="Chains" lead="Job types run one after the other, as one job with one progress bar.">
        {may && (
          <Link className="button primary" to="/chains/new">
            <Plus size={16} aria-hidden="true" /> New chain
          </Link>
        )}
      </PageHead>
      <View query={chains} rows={4}>
        {({ saved, predefined }) => (
          <div className="stack">
            <section className="stack tight" aria-label="Saved">
              <h2>Saved</h2>
              {saved.length > 0 ? (
                <ul className="chain-list">
                  {saved.map((chain) => (
                    <ChainCard key={chain.name} chain={chain} labels={labels} onDelete={may ? setGone : undefined} />
                  ))}
                </ul>
              ) : (
                <div className="card">
                  <Empty title="No chain is saved yet" icon={Workflow}>
                    <p>Click job types together, give each its parameters, and keep the chain under a name.</p>
                    {may && (
                      <Link className="button" to="/chains/new">
                        Build a chain
                      </Link>
                    )}
                  </Empty>
                </div>
              )}
            </section>
            {predefined.length > 0 && (
              <section className="stack tight" aria-label="From the application">
                <h2>From the application</h2>
                <ul className="chain-list">
                  {predefined.map((chain) => (
                    <ChainCard key={chain.name} chain={chain} labels={labels} />
                  ))}
                </ul>
              </section>
            )}
          </div>
        )}
      </View>
      {gone && <Delete chain={gone} onClose={() => setGone(null)} />}
    </>
  )
}

interface CardProps {
  chain: ChainRecord
  labels: Map<string, string>
  onDelete?: ((chain: ChainRecord) => void) | undefined
}

function ChainCard({ chain, labels, onDelete }: CardProps) {
  const navigate = useNavigate()
  const at = `/chains/${encodeURIComponent(chain.name)}`
  return (
    <li className="card chain-card">
      <div className="row spread">
        <h3>
          <Link to={at}>{chain.label || chain.name}</Link>
        </h3>
        <Menu
          trigger={<MoreButton label={`What can be done with ${chain.name}`} />}
          entries={[
            { label: 'Open', onSelect: () => void navigate(at) },
            {
              label: 'Duplicate to edit',
              onSelect: () => void navigate(`/chains/new?from=${encodeURIComponent(chain.name)}`),
            },
            ...(onDelete ? [{ label: 'Delete', onSelect: () => onDelete(chain) }] : []),
          ]}
        />
      </div>
      {chain.description && !chain.description.includes(' → ') && <p className="muted">{chain.description}</p>}
      <p className="chain-phases">
        {chain.phases.map((phase, place) => (
          <span key={place}>
            {place > 0 && (
              <span className="muted" aria-hidden="true">
                {' → '}
              </span>
            )}
            <span className="tag">
              {phase.name === phase.job_type ? (labels.get(phase.job_type) ?? phase.name) : phase.name}
            </span>
          </span>
        ))}
      </p>
      <p className="muted small">
        <code>{chain.name}</code> · {plural(chain.phases.length, 'phase')}
        {chain.version !== null && ` · version ${chain.version}`}
        {chain.updated_at && (
          <>
            {' · '}
            <Time at={chain.updated_at} />
            {chain.updated_by && ` by ${chain.updated_by}`}
          </>
        )}
      </p>
    </li>
  )
}

function Delete({ chain, onClose }: { chain: ChainRecord; onClose: () => void }) {
  const queries = useQueryClient()
  return (
    <Confirm
      title={`Delete the chain ${chain.name}?`}
      action="Delete chain"
      typed={chain.name}
      onClose={onClose}
      onConfirm={async () => {
        await call(`chains/${encodeURIComponent(chain.name)}?expect_version=${chain.version}`, { method: 'DELETE' })
        void queries.invalidateQueries({ queryKey: ['chains'] })
        toast(`Deleted: ${chain.name}`)
      }}
    >
      <p>Its {plural(chain.phases.length, 'phase')} and their parameters are lost. Jobs that were made of it stay.</p>
    </Confirm>
  )
}
