import { Table } from '@/parts/Table'
import { count, plural } from '@/words/numbers'
import { duration } from '@/words/times'
import { PlotFrame } from './PlotFrame'

const WIDTH = 720
const HEIGHT = 200
const LEFT = 40
const BOTTOM = 24
const TOP = 34
const QUANTILES = [50, 95, 99]

interface Known {
  seconds: number
  isFailed: boolean
}

interface Bucket {
  from: number
  to: number
  succeeded: number
  failed: number
}

/** Lengths in buckets of which each is twice the one before; lines at the 50th, 95th and 99th percentile. */
export function Histogram({ known, mark }: { known: Known[]; mark: number | null }) {
  const buckets = bucketsOf(known, mark)
  const sorted = known.map((one) => one.seconds).sort((one, two) => one - two)
  const lines = QUANTILES.map((part) => ({ part, seconds: quantile(sorted, part / 100) }))
  return (
    <PlotFrame
      name="Lengths"
      legend={
        <>
          <span className="row">
            <span className="swatch plot-succeeded" aria-hidden="true" /> Succeeded
          </span>
          <span className="row">
            <span className="swatch plot-failed" aria-hidden="true" /> Failed
          </span>
          {lines.map(({ part, seconds }) => (
            <span key={part} className="number">
              {part}% within <b>{duration(seconds)}</b>
            </span>
          ))}
          {mark !== null && (
            <span className="number">
              this job <b>{duration(mark)}</b>
            </span>
          )}
        </>
      }
      table={
        <Table
          label="Lengths"
          rows={buckets}
          rowKey={(bucket) => String(bucket.from)}
          columns={[
            { name: 'from', label: 'From', kind: 'number', cell: (bucket) => duration(bucket.from) },
            { name: 'to', label: 'To', kind: 'number', cell: (bucket) => duration(bucket.to) },
            { name: 'good', label: 'Succeeded', kind: 'number', cell: (bucket) => count(bucket.succeeded) },
            { name: 'bad', label: 'Failed', kind: 'number', cell: (bucket) => count(bucket.failed) },
          ]}
        />
      }
      csv={() => [
        ['from_seconds', 'to_seconds', 'succeeded', 'failed'],
        ...buckets.map((bucket) => [bucket.from, bucket.to, bucket.succeeded, bucket.failed]),
      ]}
    >
      <Bars buckets={buckets} lines={lines} mark={mark} />
    </PlotFrame>
  )
}

interface BarsProps {
  buckets: Bucket[]
  lines: { part: number; seconds: number }[]
  mark: number | null
}

function Bars({ buckets, lines, mark }: BarsProps) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.succeeded + bucket.failed))
  const step = (WIDTH - LEFT) / buckets.length
  const low = Math.log2(buckets[0]?.from || 0.001)
  const floor = HEIGHT - BOTTOM
  const y = (value: number) => TOP + (floor - TOP) * (1 - value / most)
  const x = (seconds: number) => LEFT + (Math.log2(Math.max(seconds, 0.001)) - low) * step
  const words = buckets.flatMap(({ from, to, succeeded, failed }) =>
    succeeded + failed ? `${duration(from)} to ${duration(to)}: ${plural(succeeded + failed, 'job')}` : [],
  )
  return (
    <svg className="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`Lengths. ${words.join('; ')}`}>
      {[0, most].map((value) => (
        <g key={value}>
          <line className="plot-line" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
          <text className="plot-text" x={LEFT - 6} y={y(value) + 4} textAnchor="end">
            {count(value)}
          </text>
        </g>
      ))}
      {buckets.map((bucket, at) => (
        <g key={bucket.from}>
          <rect
            className="plot-succeeded"
            x={LEFT + at * step + 1}
            width={Math.max(1, step - 2)}
            y={y(bucket.succeeded)}
            height={floor - y(bucket.succeeded)}
          />
          <rect
            className="plot-failed"
            x={LEFT + at * step + 1}
            width={Math.max(1, step - 2)}
            y={y(bucket.succeeded + bucket.failed)}
            height={y(bucket.succeeded) - y(bucket.succeeded + bucket.failed)}
          />
          {at % Math.ceil(buckets.length / 8) === 0 && (
            <text className="plot-text" x={LEFT + at * step} y={HEIGHT - 6}>
              {duration(bucket.from)}
            </text>
          )}
        </g>
      ))}
      {lines.map(({ part, seconds }, at) => (
        <g key={part}>
          <line className="plot-quantile" x1={x(seconds)} x2={x(seconds)} y1={TOP - 8} y2={floor} />
          <text className="plot-text" x={x(seconds)} y={11 + (at % 2) * 12} textAnchor="middle">
            p{part}
          </text>
        </g>
      ))}
      {mark !== null && <path className="plot-mark" d={`M ${x(mark)} ${floor} l 6 9 h -12 z`} />}
    </svg>
  )
}

/** From the shortest to the longest, each twice as long as the one before; the marked one lies within. */
function bucketsOf(known: Known[], mark: number | null): Bucket[] {
  const place = (seconds: number) => Math.floor(Math.log2(Math.max(seconds, 0.001)))
  const places = [...known.map((one) => place(one.seconds)), ...(mark === null ? [] : [place(mark)])]
  const low = Math.min(...places)
  const buckets = Array.from({ length: Math.max(...places) - low + 1 }, (_, at) => ({
    from: 2 ** (low + at),
    to: 2 ** (low + at + 1),
    succeeded: 0,
    failed: 0,
  }))
  for (const one of known) {
    const bucket = buckets[place(one.seconds) - low]
    if (bucket) bucket[one.isFailed ? 'failed' : 'succeeded'] += 1
  }
  return buckets
}

function quantile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0
}
