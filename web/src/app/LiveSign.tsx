import { type LiveStatus, live, POLL_MS, useLive } from '@/api/live'
import { useNow } from '@/app/clock'
import { Tip } from '@/parts/Tip'
import type { Tone } from '@/words/states'
import { clock, duration } from '@/words/times'
import { useZone } from './zone'

const TONES: Record<LiveStatus, Tone> = {
  live: 'green',
  connecting: 'grey',
  paused: 'grey',
  reconnecting: 'amber',
  polling: 'amber',
  offline: 'red',
}

/** Whether what is shown is live, and how old it is. A press pauses and goes on. */
export function LiveSign() {
  const state = useLive()
  const now = useNow()
  const [zone] = useZone()
  const old = Math.max(0, Math.floor((now - state.at) / 1000))
  const text: Record<LiveStatus, string> = {
    live: 'Live',
    connecting: 'Connecting',
    paused: 'Paused',
    reconnecting: `Reconnecting${state.retryAt ? ` (${Math.max(0, Math.ceil((state.retryAt - now) / 1000))} s)` : ''}`,
    polling: `Polling every ${POLL_MS / 1000} s`,
    offline: `Offline since ${clock(new Date(state.at).toISOString(), zone)}`,
  }
  const isPaused = state.status === 'paused'
  return (
    <Tip text={isPaused ? 'Nothing is loaded until you go on (l)' : 'Pause: nothing moves and nothing is loaded (l)'}>
      <button
        type="button"
        className="button quiet small live"
        data-status={state.status}
        data-tone={TONES[state.status]}
        aria-pressed={isPaused}
        onClick={() => live.toggle()}
      >
        <span className="live-dot" aria-hidden="true" />
        <span>{text[state.status]}</span>
        <span className="live-age muted">{duration(old)} old</span>
      </button>
    </Tip>
  )
}
