import { Link } from 'react-router'
import type { CurvePoint, JobDetail } from '@/api/types'
import { useNow } from '@/app/clock'
import { useZone } from '@/app/zone'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { count, percent } from '@/words/numbers'
import { clock, duration, etaRange } from '@/words/times'
import { curveOf, type Mark, plateausOf, rateOf } from './curve'
import { PlotFrame } from './PlotFrame'

const WIDTH = 1000
const HEIGHT = 180
const LEFT = 52
const BOTTOM = 22
const TOP = 10
const EARLY = 0.8
const LATE = 1.2

/** How far the job was, and when; where it stood still; and when it will be there, if it goes on so. */
export function ProgressCurve({ job, points }: { job: JobDetail; points: CurvePoint[] }) {
  const now = useNow()
  const [zone] = useZone()
  const { runs, unit, top } = curveOf(job, points, now)
  const marks = runs.flat()
  const plateaus = plateausOf(runs)
  const eta = job.state === 'running' && unit === 'percent' ? job.progress.eta_seconds : null
  const first = marks[0]
  const last = marks.at(-1)
  if (!first || !last) return null
  const end = last.at + (eta === null ? 0 : eta * LATE * 1000)
  const x = (at: number) => LEFT + ((at - first.at) / Math.max(1000, end - first.at)) * (WIDTH - LEFT)
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)
  const said = (value: number) => (unit === 'percent' ? percent(value) : count(value))
  const words = `Progress from ${clock(new Date(first.at).toISOString(), zone)}: ${said(first.value)} to ${said(last.value)} in ${duration((last.at - first.at) / 1000)}`
  return (
    <PlotFrame
      name="Progress"
      legend={
        <>
          {plateaus.length > 0 && (
            <span className="row">
              <span className="swatch plot-still" aria-hidden="true" /> stood still
            </span>
          )}
          {eta !== null && <span className="number">{etaRange(eta)} left, if it goes on so</span>}
        </>
      }
      table={<CurveTable marks={marks} said={said} unit={unit} />}
      csv={() => [['at', unit], ...marks.map((mark) => [new Date(mark.at).toISOString(), mark.value])]}
    >
      <svg className="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
        {[0, top / 2, top].map((value) => (
          <g key={value}>
            <line className="plot-line" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
            <text className="plot-text" x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {said(value)}
            </text>
          </g>
        ))}
        {plateaus.map(({ from, to }) => (
          <rect
            key={from.at}
            className="plot-still"
            x={x(from.at)}
            width={x(to.at) - x(from.at)}
            y={TOP}
            height={HEIGHT - TOP - BOTTOM}
          />
        ))}
        {eta !== null && (
          <path
            className="plot-band"
            d={`M ${x(last.at)} ${y(last.value)} L ${x(last.at + eta * EARLY * 1000)} ${y(top)} L ${x(last.at + eta * LATE * 1000)} ${y(top)} Z`}
          />
        )}
        {runs.map((run) => (
          <path
            key={run[0]?.at}
            className="plot-curve"
            d={run.map((mark, at) => `${at ? 'L' : 'M'} ${x(mark.at)} ${y(mark.value)}`).join(' ')}
          />
        ))}
        <circle className="plot-mark" cx={x(last.at)} cy={y(last.value)} r={3.5} />
        <text className="plot-text" x={LEFT} y={HEIGHT - 6}>
          {clock(new Date(first.at).toISOString(), zone)}
        </text>
        <text className="plot-text" x={x(last.at)} y={HEIGHT - 6} textAnchor="end">
          {eta === null && x(last.at) > LEFT + 160 ? clock(new Date(last.at).toISOString(), zone) : ''}
        </text>
      </svg>
      {plateaus.length > 0 && (
        <ul className="small muted plain">
          {plateaus.map(({ from, to }) => (
            <li key={from.at}>
              No progress for {duration((to.at - from.at) / 1000)} from{' '}
              <Time at={new Date(from.at).toISOString()} as="full" /> at {said(from.value)}:{' '}
              <Link className="link-button" to={`?tab=log&from=${encodeURIComponent(new Date(from.at).toISOString())}`}>
                its log then
              </Link>
            </li>
          ))}
        </ul>
      )}
    </PlotFrame>
  )
}

function CurveTable({ marks, said, unit }: { marks: Mark[]; said: (value: number) => string; unit: string }) {
  return (
    <Table
      label="Progress"
      rows={marks.map((mark, at) => ({ ...mark, rate: rateOf(marks[at - 1], mark) })).reverse()}
      rowKey={(row) => String(row.at)}
      columns={[
        { name: 'at', label: 'When', cell: (row) => <Time at={new Date(row.at).toISOString()} as="full" /> },
        { name: 'far', label: 'How far', kind: 'number', cell: (row) => said(row.value) },
        {
          name: 'rate',
          label: unit === 'percent' ? 'Percent a minute' : 'Items a second',
          kind: 'number',
          cell: (row) => (row.rate === null ? '' : (unit === 'percent' ? row.rate * 60 : row.rate).toFixed(1)),
        },
      ]}
    />
  )
}
