/** Questions of which this browser shall not remind anybody for a while; the question itself stays as it is. */
import { useNow } from '@/app/clock'
import { prefer, preference, usePreference } from '@/app/preferences'

type Until = Record<string, string>

const NAME = 'snoozed'

/** Until when each question is snoozed, without those whose time is over. */
export function useSnoozed(): Until {
  const now = useNow()
  const [all] = usePreference<Until>(NAME, {})
  return Object.fromEntries(Object.entries(all).filter(([, until]) => Date.parse(until) > now))
}

export function snooze(id: string, until: Date | null): void {
  const { [id]: _old, ...others } = preference<Until>(NAME, {})
  prefer(NAME, until ? { ...others, [id]: until.toISOString() } : others)
}

/** Forget what is no longer asked. */
export function keepSnoozed(open: ReadonlySet<string>): void {
  const all = preference<Until>(NAME, {})
  const kept = Object.fromEntries(Object.entries(all).filter(([id]) => open.has(id)))
  if (Object.keys(kept).length < Object.keys(all).length) prefer(NAME, kept)
}
