import { useNavigate } from 'react-router'
import type { Bucket } from '@/api/types'
import { useZone } from '@/app/zone'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { Tip } from '@/parts/Tip'
import { count } from '@/words/numbers'
import { clock } from '@/words/times'
import { PlotFrame } from './PlotFrame'

const WIDTH = 720
const HEIGHT = 180
const LEFT = 44
const BOTTOM = 22
const TOP = 10
const KINDS = [
  { name: 'succeeded', label: 'Succeeded', state: 'succeeded' },
  { name: 'failed', label: 'Failed', state: 'failed' },
  { name: 'cancelled', label: 'Cancelled', state: 'cancelled' },
] as const

/** Jobs that ended, by time: stacked, each outcome with a colour and a pattern of its own. */
export function Throughput({ buckets }: { buckets: Bucket[] }) {
  return (
    <PlotFrame
      name="Throughput"
      legend={KINDS.map((kind) => (
        <span key={kind.name} className="row">
          <span className={`swatch plot-${kind.name}`} aria-hidden="true" /> {kind.label}{' '}
          <b className="number">{count(buckets.reduce((sum, bucket) => sum + bucket[kind.name], 0))}</b>
        </span>
      ))}
      table={<BucketTable buckets={buckets} />}
      csv={() => [
        ['at', ...KINDS.map((kind) => kind.name)],
        ...buckets.map((bucket) => [bucket.at, ...KINDS.map((kind) => bucket[kind.name])]),
      ]}
    >
      <Bars buckets={buckets} />
    </PlotFrame>
  )
}

function Bars({ buckets }: { buckets: Bucket[] }) {
  const navigate = useNavigate()
  const [zone] = useZone()
  const most = Math.max(1, ...buckets.map(sumOf))
  const top = niceTop(most)
  const step = (WIDTH - LEFT) / Math.max(1, buckets.length)
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)
  const length = buckets[1] && buckets[0] ? Date.parse(buckets[1].at) - Date.parse(buckets[0].at) : 60_000
  const every = Math.max(1, Math.ceil(buckets.length / 6))
  return (
    <svg className="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label="Jobs that ended, by time">
      {[0, top / 2, top].map((value) => (
        <g key={value}>
          <line className="plot-line" x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
          <text className="plot-text" x={LEFT - 6} y={y(value) + 4} textAnchor="end">
            {count(value)}
          </text>
        </g>
      ))}
      {buckets.map((bucket, at) => {
        const x = LEFT + at * step
        const wide = Math.max(1, step - Math.min(3, step * 0.2))
        let base = 0
        const open = () => {
          const from = bucket.at
          const to = new Date(Date.parse(bucket.at) + length).toISOString()
          void navigate(`/jobs?created=${encodeURIComponent(`${from}..${to}`)}`)
        }
        const sum = sumOf(bucket)
        return (
          <g key={bucket.at}>
            {KINDS.map((kind) => {
              const value = bucket[kind.name]
              const from = base
              base += value
              return value > 0 ? (
                <rect
                  key={kind.name}
                  className={`plot-${kind.name}`}
                  x={x}
                  width={wide}
                  y={y(from + value)}
                  height={Math.max(1, y(from) - y(from + value))}
                />
              ) : null
            })}
            {sum > 0 && (
              <Tip
                text={
                  <>
                    {clock(bucket.at, zone)}
                    {KINDS.map((kind) => (
                      <div key={kind.name}>
                        {kind.label} {count(bucket[kind.name])}
                      </div>
                    ))}
                  </>
                }
              >
                <rect
                  className="plot-hit"
                  role="link"
                  tabIndex={0}
                  aria-label={`${clock(bucket.at, zone)}: ${KINDS.map((kind) => `${bucket[kind.name]} ${kind.label.toLowerCase()}`).join(', ')}`}
                  x={x}
                  y={TOP}
                  width={Math.max(step, 2)}
                  height={HEIGHT - TOP - BOTTOM}
                  onClick={open}
                  onKeyDown={(event) => event.key === 'Enter' && open()}
                />
              </Tip>
            )}
            {at % every === 0 && (
              <text className="plot-text" x={x} y={HEIGHT - 6}>
                {clock(bucket.at, zone).replace(/ [A-Z+\-:\d]+$/, '')}
              </text>
            )}
          </g>
        )
      })}
    </svg>
  )
}

function BucketTable({ buckets }: { buckets: Bucket[] }) {
  return (
    <Table
      label="Jobs that ended, by time"
      rows={buckets.filter((bucket) => sumOf(bucket) > 0).reverse()}
      rowKey={(bucket) => bucket.at}
      columns={[
        { name: 'at', label: 'From', cell: (bucket) => <Time at={bucket.at} as="full" /> },
        ...KINDS.map((kind) => ({
          name: kind.name,
          label: kind.label,
          kind: 'number' as const,
          cell: (bucket: Bucket) => count(bucket[kind.name]),
        })),
      ]}
    />
  )
}

function sumOf(bucket: Bucket): number {
  return bucket.succeeded + bucket.failed + bucket.cancelled
}

/** The next of 2, 4, 10, 20, 40, 100 … so that the middle line is a whole number. */
function niceTop(most: number): number {
  let scale = 1
  for (;;) {
    for (const step of [2, 4, 10]) if (most <= step * scale) return step * scale
    scale *= 10
  }
}
