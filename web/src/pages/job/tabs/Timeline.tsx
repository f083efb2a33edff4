import { useState } from 'react'
import { Link } from 'react-router'
import type { JobDetail } from '@/api/types'
import { useNow } from '@/app/clock'
import { useZone } from '@/app/zone'
import { State } from '@/parts/State'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { stateWords } from '@/words/states'
import { clock, duration } from '@/words/times'
import { type Lane, lanesOf } from './lanes'
import { Progress } from './Progress'

const MANY = 500
const CRITICAL = 'It took the longest: making it faster makes the whole faster first.'

/** What happened when: a row for each phase or attempt; waiting is hatched, working is solid. */
export function Timeline({ job }: { job: JobDetail }) {
  const now = useNow()
  const [zone] = useZone()
  const [asTable, setAsTable] = useState(false)
  const [all, setAll] = useState(false)
  const lanes = lanesOf(job, now)
  const shown = all ? lanes : lanes.slice(0, MANY)
  const start = Math.min(...lanes.flatMap((lane) => lane.spans.map((span) => span.from)), Date.parse(job.created_at))
  const end = Math.max(...lanes.flatMap((lane) => lane.spans.map((span) => span.to)), start + 1000)
  const place = (from: number, to: number) => ({
    left: `${((from - start) / (end - start)) * 100}%`,
    width: `${Math.max(0.3, ((to - from) / (end - start)) * 100)}%`,
  })
  return (
    <div className="stack">
      <div className="row spread">
        <div className="row legend small muted">
          <span className="swatch waiting" aria-hidden="true" /> waits
          <span className="swatch" data-tone="blue" aria-hidden="true" /> works
          <span className="swatch" data-tone="green" aria-hidden="true" /> done
          <span className="swatch cross" data-tone="red" aria-hidden="true" /> failed or lost
          <span className="swatch" data-tone="grey" aria-hidden="true" /> cancelled
        </div>
        <button type="button" className="button small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Show as plot' : 'Show as table'}
        </button>
      </div>
      {asTable ? (
        <LaneTable lanes={shown} />
      ) : (
        <figure
          className="gantt"
          aria-label={`Timeline from ${clock(new Date(start).toISOString(), zone)}, ${duration((end - start) / 1000)} long`}
        >
          {shown.map((lane) => (
            <div key={lane.key} className="lane">
              <div
                className="lane-name cut"
                data-critical={lane.isCritical}
                title={lane.isCritical ? CRITICAL : undefined}
              >
                {lane.id ? <Link to={`/jobs/${encodeURIComponent(lane.id)}`}>{lane.name}</Link> : lane.name}
                {lane.note && <span className="muted"> {lane.note}</span>}
              </div>
              <div className="lane-track">
                {lane.spans.map((span, at) => (
                  <span
                    key={at}
                    className="span"
                    data-kind={span.kind}
                    data-tone={span.kind === 'waits' ? 'grey' : stateWords(span.state).tone}
                    style={place(span.from, span.to)}
                    title={`${span.kind === 'waits' ? 'waits' : stateWords(span.state).label}: ${duration((span.to - span.from) / 1000)}`}
                  />
                ))}
                {lane.spans.length === 0 && <span className="muted small">not reached yet</span>}
              </div>
            </div>
          ))}
          <figcaption className="lane axis muted small number">
            <span />
            <span className="row spread">
              <span>{clock(new Date(start).toISOString(), zone)}</span>
              <span>{duration((end - start) / 1000)}</span>
            </span>
          </figcaption>
        </figure>
      )}
      {lanes.length > shown.length && (
        <button type="button" className="button small" onClick={() => setAll(true)}>
          Show all {lanes.length}
        </button>
      )}
      <Progress job={job} />
    </div>
  )
}

function LaneTable({ lanes }: { lanes: Lane[] }) {
  const rows = lanes.flatMap((lane) => lane.spans.map((span, at) => ({ key: `${lane.key}-${at}`, lane, span })))
  return (
    <Table
      label="Timeline"
      rows={rows}
      rowKey={(row) => row.key}
      columns={[
        { name: 'name', label: 'Part', cell: ({ lane }) => lane.name },
        { name: 'note', label: 'Weight and time', cell: ({ lane }) => lane.note },
        {
          name: 'state',
          label: 'State',
          cell: ({ span }) => (span.kind === 'waits' ? 'Waits' : <State state={span.state} />),
        },
        { name: 'from', label: 'From', cell: ({ span }) => <Time at={new Date(span.from).toISOString()} as="full" /> },
        { name: 'long', label: 'Length', kind: 'number', cell: ({ span }) => duration((span.to - span.from) / 1000) },
      ]}
    />
  )
}
