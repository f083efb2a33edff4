import { useNow } from '@/app/clock'
import { useZone } from '@/app/zone'
import { absolute, age, clock, zoneName } from '@/words/times'
import { copy } from './Copy'
import { Tip } from './Tip'

interface Props {
  at: string
  /** "age": 12 min ago; "clock": 14:02 CET; "full": with day and seconds. */
  as?: 'age' | 'clock' | 'full'
}

/** A time; on hover or focus as relative, local, UTC and ISO 8601, which a click copies. */
export function Time({ at, as = 'age' }: Props) {
  const [zone] = useZone()
  const now = useNow(as === 'age' ? 15 : 60)
  const text =
    as === 'age' ? age(at, Math.max(now, Date.parse(at))) : as === 'clock' ? clock(at, zone) : absolute(at, zone)
  const future = Date.parse(at) > Date.now()
  const details = (
    <>
      {age(at, Date.now())}
      <br />
      {absolute(at, 'local')} ({zoneName('local')})
      <br />
      {absolute(at, 'utc')}
      <br />
      {at} · press to copy
    </>
  )
  return (
    <Tip text={details}>
      <button type="button" className="time" onClick={() => copy(at, 'Time copied')}>
        <time dateTime={at}>{as === 'age' && future ? age(at, Date.now()) : text}</time>
      </button>
    </Tip>
  )
}
