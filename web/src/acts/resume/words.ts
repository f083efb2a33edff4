/** The words of the question: resume, start fresh, or neither? */
import type { ResumeFacts } from '@/api/types'
import { count, percent } from '@/words/numbers'
import { about, ageOf, duration } from '@/words/times'

/** "45%", or "45,120 done" where no total is known. */
export function far(facts: Pick<ResumeFacts, 'percent' | 'done' | 'total'>): string {
  if (facts.percent === null || (facts.total === null && facts.done !== null && facts.percent === 0)) {
    return facts.done === null ? '0%' : `${count(facts.done)} done`
  }
  return percent(facts.percent)
}

/** "Incomplete job found (45%, 2 hrs ago)". */
export function titleOf(facts: ResumeFacts): string {
  return `Incomplete job found (${far(facts)}, ${ageOf(Math.max(0, facts.age_seconds))})`
}

/** "45,120 of 100,000 · phase 2 of 4, Embed". */
export function amountOf(facts: ResumeFacts): string {
  const done =
    facts.done === null
      ? ''
      : facts.total
        ? `${count(facts.done)} of ${count(facts.total)}`
        : `${count(facts.done)} done`
  const phase = facts.phase ? `phase ${facts.phase.number} of ${facts.phase.of}, ${facts.phase.name}` : ''
  return [done, phase].filter(Boolean).join(' · ')
}

/** "Checkpoint 451, taken 12 s before. About 80 items will be done again." */
export function checkpointOf(facts: ResumeFacts): string {
  const saved = facts.checkpoint
  if (!saved) return 'Nothing was saved.'
  const before = Math.max(0, (Date.parse(facts.stopped_at) - Date.parse(saved.saved_at)) / 1000)
  const redo = facts.redo
  const again =
    redo?.items != null && redo.items > 0
      ? ` About ${count(redo.items)} ${redo.items === 1 ? 'item' : 'items'} will be done again.`
      : redo && redo.seconds >= 1
        ? ` About ${about(redo.seconds)} of work will be done again.`
        : ' Almost nothing will be done again.'
  return `Checkpoint ${saved.number}, taken ${duration(before)} before.${again}`
}

/** "pay (each:2)". */
export function doubtOf(doubt: ResumeFacts['in_doubt'][number]): string {
  return doubt.item ? `${doubt.step} (${doubt.item})` : doubt.step
}

/** "Resume: about 1 h 50 min left." */
export function leftOf(facts: ResumeFacts): string | null {
  return facts.left_seconds === null ? null : `Resume: about ${about(facts.left_seconds)} left.`
}

/** "Start fresh: about 3 h 20 min; loses 1 h 31 min of work." */
export function freshOf(facts: ResumeFacts): string | null {
  const whole = facts.fresh_seconds === null ? '' : `about ${about(facts.fresh_seconds)}; `
  if (facts.lost_seconds < 1) return whole ? `Start fresh: ${whole.replace('; ', '.')}` : null
  return `Start fresh: ${whole}loses ${about(facts.lost_seconds)} of work.`
}

/** "14 days": how long the newest checkpoint is kept; "until they are deleted" where that has no end. */
export function keptDays(facts: ResumeFacts): string {
  const until = facts.checkpoint?.kept_until
  if (!until) return 'until they are deleted'
  const days = Math.max(1, Math.round((Date.parse(until) - Date.now()) / 86_400_000))
  return days === 1 ? '1 day' : `${days} days`
}

const MUCH_SECONDS = 5 * 60
export const VERY_MUCH_SECONDS = 30 * 60

/** Whether "Start fresh" is asked a second time: much work would be lost, or a step done twice. */
export function asksTwice(facts: ResumeFacts): boolean {
  return facts.lost_seconds > MUCH_SECONDS || facts.in_doubt.length > 0
}
