/** Times of a schedule in its own zone, as the server tells them; the browser never works out a rule. */
import type { Schedule } from '@/api/types'
import type { Tone } from '@/words/states'

export const at = (name: string) => `schedules/${encodeURIComponent(name)}`

export const STATES: Record<Schedule['state'], { label: string; tone: Tone }> = {
  active: { label: 'Active', tone: 'green' },
  paused: { label: 'Paused', tone: 'amber' },
  disabled: { label: 'Disabled', tone: 'grey' },
  ended: { label: 'Ended', tone: 'grey' },
  faulty: { label: 'Faulty', tone: 'red' },
}

export const OUTCOMES: Record<string, Tone> = {
  success: 'green',
  failed: 'red',
  lost: 'red',
  running: 'blue',
  skipped: 'amber',
  cancelled: 'grey',
}

/** "Sun 29 Nov 02:30" of an ISO time with its own offset, as it stands there. */
export function wall(local: string): string {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(local)
  if (!found) return local
  const [, year, month, day, clock] = found
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  const text = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' })
  return `${text.format(date).replace(',', '')} ${clock}`
}

export const OVERLAP: Record<Schedule['overlap'], string> = {
  skip: 'skip it',
  queue: 'queue it behind',
  cancel_running: 'cancel the running one',
}
