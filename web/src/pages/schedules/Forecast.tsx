import { useQuery } from '@tanstack/react-query'
import { CalendarClock } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { call } from '@/api/client'
import type { Start } from '@/api/types'
import { useNow } from '@/app/clock'
import { useZone } from '@/app/zone'
import { Empty } from '@/parts/Empty'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { about, clock } from '@/words/times'

const HOURS = [6, 24, 168]

/** What is to come: a lane for each schedule, each start as long as it probably takes, clashes marked. */
export function Forecast() {
  const [hours, setHours] = useState(24)
  const [asTable, setAsTable] = useState(false)
  const found = useQuery({
    queryKey: ['forecast', hours],
    queryFn: () => call<{ items: Start[] } | Start[]>(`schedules/forecast?hours=${hours}`),
    refetchInterval: 60_000,
  })
  return (
    <div className="stack">
      <div className="row">
        <fieldset className="segments" aria-label="How far ahead">
          {HOURS.map((one) => (
            <button key={one} type="button" aria-pressed={hours === one} onClick={() => setHours(one)}>
              {one === 168 ? '7 days' : `${one} h`}
            </button>
          ))}
        </fieldset>
        <button type="button" className="button small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Show as plot' : 'Show as table'}
        </button>
      </div>
      <View query={found} rows={6}>
        {(answer) => {
          const starts = Array.isArray(answer) ? answer : answer.items
          if (starts.length === 0) {
            return (
              <div className="card">
                <Empty title="Nothing is to come" icon={CalendarClock}>
                  <p>No schedule is due in this time.</p>
                </Empty>
              </div>
            )
          }
          return (
            <div className="card">{asTable ? <List starts={starts} /> : <Lanes starts={starts} hours={hours} />}</div>
          )
        }}
      </View>
    </div>
  )
}

function Lanes({ starts, hours }: { starts: Start[]; hours: number }) {
  const [zone] = useZone()
  const now = useNow(60)
  const span = hours * 3_600_000
  const place = (at: number) => `${Math.min(100, Math.max(0, (100 * (at - now)) / span))}%`
  const names = [...new Set(starts.map((start) => start.schedule))]
  const ticks = Array.from({ length: 7 }, (_, step) => now + (span * step) / 6)
  return (
    <div
      className="lanes"
      role="img"
      aria-label={`${starts.length} starts of ${names.length} schedules; "Show as table" lists them`}
    >
      <div className="lane-ticks" aria-hidden="true">
        {ticks.slice(0, 6).map((tick) => (
          <span key={tick} style={{ insetInlineStart: place(tick) }}>
            {clock(new Date(tick).toISOString(), zone).replace(/ \S+$/, '')}
          </span>
        ))}
      </div>
      {names.map((name) => (
        <div key={name} className="lane">
          <span className="cut">{name}</span>
          <span className="lane-track">
            {starts
              .filter((start) => start.schedule === name)
              .map((start) => {
                const begin = Date.parse(start.at)
                const length = ((start.expected_seconds ?? 0) * 1000 * 100) / span
                return (
                  <span
                    key={start.at}
                    className="lane-start"
                    data-clash={start.clashes.length > 0}
                    title={said(start, zone)}
                    style={{ insetInlineStart: place(begin), width: `max(6px, ${Math.min(100, length)}%)` }}
                  />
                )
              })}
          </span>
        </div>
      ))}
      {starts.some((start) => start.clashes.length > 0) && (
        <p className="muted small legend">
          <span className="lane-start" data-clash="true" /> Hatched: two of them want the same resource; one waits.
        </p>
      )}
    </div>
  )
}

function said(start: Start, zone: string): string {
  const long = start.expected_seconds === null ? '' : `, about ${about(start.expected_seconds)}`
  const clash = start.clashes.map((one) => `, ${one.resource} is then wanted by ${one.schedule}, too`).join('')
  return `${start.schedule} ${clock(start.at, zone)}${long}${clash}`
}

function List({ starts }: { starts: Start[] }) {
  return (
    <Table
      label="Forecast"
      rows={starts}
      rowKey={(row) => `${row.schedule}${row.at}`}
      columns={[
        { name: 'at', label: 'When', cell: (row) => <Time at={row.at} as="clock" /> },
        {
          name: 'schedule',
          label: 'Schedule',
          kind: 'wide',
          cell: (row) => <Link to={`/schedules/${encodeURIComponent(row.schedule)}`}>{row.schedule}</Link>,
        },
        { name: 'type', label: 'Job type', cell: (row) => <code>{row.job_type}</code> },
        {
          name: 'length',
          label: 'Takes about',
          cell: (row) => (row.expected_seconds === null ? 'not known' : about(row.expected_seconds)),
        },
        {
          name: 'clash',
          label: 'Clashes',
          cell: (row) => row.clashes.map((one) => `${one.resource} with ${one.schedule}`).join('; '),
        },
      ]}
    />
  )
}
