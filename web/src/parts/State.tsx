import { useZone } from '@/app/zone'
import { ENDED, stateWords } from '@/words/states'
import { clock } from '@/words/times'

interface Props {
  state: string
  pill?: boolean
  retryAt?: string | null
}

/** The state of a job as colour, shape and word. */
export function State({ state, pill = false, retryAt }: Props) {
  const [zone] = useZone()
  const { label, tone, icon: Icon } = stateWords(state)
  const text = state === 'retrying' && retryAt ? `Retries at ${clock(retryAt, zone)}` : label
  return (
    <span className={pill ? 'state pill' : 'state'} data-tone={tone} data-state={state} data-ended={ENDED.has(state)}>
      <Icon aria-hidden="true" />
      {text}
    </span>
  )
}
