/** The line of a job's progress: split where a run ended, with its last point, and where it stood still. */
import type { CurvePoint, JobDetail } from '@/api/types'
import { ENDED } from '@/words/states'

export interface Mark {
  /** Milliseconds since 1970. */
  at: number
  value: number
}

const STILL_SECONDS = 60
const STILL_TIMES = 10
const MOST_PLATEAUS = 5

/** One line for each run, in percent where it knows one, else in items; with how far it is now. */
export function curveOf(job: JobDetail, points: CurvePoint[], now: number) {
  const unit: 'percent' | 'items' = points.some((point) => point.percent !== null) ? 'percent' : 'items'
  const marks = points.flatMap((point): Mark[] => {
    const value = unit === 'percent' ? point.percent : point.done
    return value === null ? [] : [{ at: Date.parse(point.at), value }]
  })
  const ended = ENDED.has(job.state) && job.completed_at ? Date.parse(job.completed_at) : null
  const value = unit === 'percent' ? job.progress.percent : job.progress.done
  const last = marks.at(-1)
  const at = ended ?? (job.state === 'running' ? now : null)
  if (last && at !== null && value !== null && at > last.at) marks.push({ at, value })
  const starts = job.runs
    .flatMap((run) => (run.started_at ? [Date.parse(run.started_at)] : []))
    .sort((one, two) => one - two)
  const runs: Mark[][] = []
  let place = -1
  for (const mark of marks) {
    const own = starts.findLastIndex((start) => start <= mark.at + 1000)
    if (runs.length === 0 || own !== place) runs.push([])
    place = own
    runs.at(-1)?.push(mark)
  }
  const top = unit === 'percent' ? 100 : Math.max(job.progress.total ?? 0, ...marks.map((mark) => mark.value), 1)
  return { runs, unit, top }
}

/** Where nothing moved for a minute, and for ten times as long as is usual; the longest few. */
export function plateausOf(runs: Mark[][]): { from: Mark; to: Mark }[] {
  const found = runs.flatMap((run) => {
    const moves = run.filter((mark, at) => at === 0 || mark.value !== run[at - 1]?.value)
    const gaps = moves.slice(1).map((mark, at) => mark.at - (moves[at]?.at ?? 0))
    const usual = [...gaps].sort((one, two) => one - two)[Math.floor(gaps.length / 2)] ?? 0
    const least = Math.max(STILL_SECONDS * 1000, usual * STILL_TIMES)
    const last = run.at(-1)
    return moves.flatMap((from, at) => {
      const to = moves[at + 1] ?? last
      return to && to.at - from.at > least ? [{ from, to }] : []
    })
  })
  return found
    .sort((one, two) => two.to.at - two.from.at - (one.to.at - one.from.at))
    .slice(0, MOST_PLATEAUS)
    .sort((one, two) => one.from.at - two.from.at)
}

/** How much a second from one mark to the next; null at the first, and where it went back. */
export function rateOf(before: Mark | undefined, mark: Mark): number | null {
  if (!before || mark.at <= before.at || mark.value < before.value) return null
  return (mark.value - before.value) / ((mark.at - before.at) / 1000)
}
