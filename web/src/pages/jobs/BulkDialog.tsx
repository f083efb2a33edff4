import { useQuery } from '@tanstack/react-query'
import { useRef } from 'react'
import { useNavigate } from 'react-router'
import { call } from '@/api/client'
import type { Operation } from '@/api/types'
import { Confirm } from '@/parts/Confirm'
import { Dialog } from '@/parts/Dialog'
import { Bones } from '@/parts/Loading'
import { ProblemNote } from '@/parts/Note'
import { asProblem } from '@/parts/View'
import { count, plural } from '@/words/numbers'
import { stateWords } from '@/words/states'
import { VERBS, type Verb } from '@/words/verbs'
import { type Chip, keyLabel } from './filters'
import { whichOf } from './which'

interface Props {
  verb: Verb
  /** The chosen jobs; null means all that the filter matches. */
  ids: string[] | null
  filter: Record<string, string>
  chips: Chip[]
  onClose: () => void
}

const MANY = 20
const HARMLESS = new Set<Verb>(['pause', 'ack', 'resume'])

/** One verb for many: the set is that of the moment at which the dialog opened; the server does it in the background. */
export function BulkDialog({ verb, ids, filter, chips, onClose }: Props) {
  const navigate = useNavigate()
  const before = useRef(new Date().toISOString()).current
  const which = whichOf(ids, filter, before)
  const look = useQuery({
    queryKey: ['operation-look', verb, ids?.join() ?? JSON.stringify(filter), before],
    queryFn: () => call<Operation>('operations', { body: { action: verb, ...which, dry_run: true } }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  if (!look.data) {
    return (
      <Dialog title={`${VERBS[verb]} many jobs`} onClose={onClose} alert>
        {look.error ? <ProblemNote problem={asProblem(look.error)} /> : <Bones rows={3} height={1.5} />}
      </Dialog>
    )
  }
  const total = look.data.total
  const fit = look.data.done
  return (
    <Confirm
      title={`${VERBS[verb]} ${plural(fit, 'job')}?`}
      action={`${VERBS[verb]} ${plural(fit, 'job')}`}
      back="Cancel"
      typed={total > MANY ? String(total) : undefined}
      reason={HARMLESS.has(verb) ? undefined : 'optional'}
      onClose={onClose}
      onConfirm={async (reason) => {
        const started = await call<Operation>('operations', {
          body: { action: verb, ...which, expect_count: total, reason },
        })
        void navigate(`/operations/${encodeURIComponent(started.id ?? '')}`)
      }}
    >
      {chips.length > 0 && !ids && (
        <ul className="chips" aria-label="Filter">
          {chips.map(({ key, value }) => (
            <li key={key} className="tag">
              {keyLabel(key)} {value}
            </li>
          ))}
        </ul>
      )}
      <p>
        {plural(total, 'job')} {ids ? 'chosen' : 'match'} now; what comes later is left alone.
      </p>
      <Breakdown operation={look.data} verb={verb} />
    </Confirm>
  )
}

/** "412 failed will resume; 3 running are skipped." */
function Breakdown({ operation, verb }: { operation: Operation; verb: Verb }) {
  const states = Object.entries(operation.by_state)
  const skipped = operation.skipped
  if (states.length === 0 && skipped === 0) return null
  return (
    <ul>
      {states.map(([state, number]) => (
        <li key={state}>
          {count(number)} {stateWords(state).label.toLowerCase()}
        </li>
      ))}
      {skipped > 0 && (
        <li className="muted">
          {count(skipped)} of them are skipped, as {VERBS[verb].toLowerCase()} does not fit them.
        </li>
      )}
    </ul>
  )
}
