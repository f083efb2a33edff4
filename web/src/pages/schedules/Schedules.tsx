import { useQuery } from '@tanstack/react-query'
import { CalendarClock, Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Page, Schedule } from '@/api/types'
import { useAddress } from '@/app/address'
import { useMay } from '@/app/session'
import { Confirm } from '@/parts/Confirm'
import { Code } from '@/parts/Copy'
import { Empty } from '@/parts/Empty'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Tabs } from '@/parts/Tabs'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { Backfill } from './Backfill'
import { Editor } from './Editor'
import { Forecast } from './Forecast'
import { type Open, useScheduleMenu } from './menu'
import { Pause } from './Pause'
import { Rule } from './Rule'
import { at, OUTCOMES, STATES } from './words'

const EXAMPLE = `app.schedules.add("nightly", "tidy_up", cron="30 2 * * *",
                  timezone="Europe/Berlin")`

/** When job types become jobs, what came of it, and what is to come. */
export function Schedules() {
  const [search, setSearch] = useAddress()
  const may = useMay('editor')
  const [open, setOpen] = useState<Open | null>(null)
  const act = useAct('schedules', 'schedule', 'forecast', 'jobs')
  const close = () => setOpen(null)
  return (
    <>
      <PageHead title="Schedules" lead="When job types become jobs, and what is to come.">
        {may && (
          <button type="button" className="button primary" onClick={() => setOpen({ kind: 'new' })}>
            <Plus size={16} aria-hidden="true" /> New schedule
          </button>
        )}
      </PageHead>
      <Tabs
        label="Schedules"
        value={search.get('tab') ?? 'all'}
        onChange={(name) =>
          setSearch((old) => {
            old.set('tab', name)
            return old
          })
        }
        tabs={[
          { name: 'all', label: 'All', content: () => <All onOpen={setOpen} /> },
          { name: 'forecast', label: 'Forecast', content: () => <Forecast /> },
        ]}
      />
      {open?.kind === 'new' && <Editor schedule={null} onClose={close} />}
      {open?.kind === 'edit' && <Editor schedule={open.schedule} onClose={close} />}
      {open?.kind === 'pause' && <Pause schedule={open.schedule} onClose={close} />}
      {open?.kind === 'backfill' && <Backfill schedule={open.schedule} onClose={close} />}
      {open?.kind === 'delete' && (
        <Confirm
          title={`Delete the schedule ${open.schedule.name}?`}
          action="Delete schedule"
          typed={open.schedule.name}
          onClose={close}
          onConfirm={() =>
            act(() => call(at(open.schedule.name), { method: 'DELETE' }), `Deleted: ${open.schedule.name}`)
          }
        >
          <p>It starts nothing any more. Its jobs and what came of it stay.</p>
        </Confirm>
      )}
    </>
  )
}

function All({ onOpen }: { onOpen: (open: Open) => void }) {
  const found = useQuery({ queryKey: ['schedules'], queryFn: () => call<Page<Schedule>>('schedules') })
  const menu = useScheduleMenu(onOpen)
  return (
    <View query={found} rows={6}>
      {({ items }) =>
        items.length === 0 ? (
          <div className="card">
            <Empty title="There are no schedules" icon={CalendarClock}>
              <p>Make one here, in a file, or in your program:</p>
              <Code text={EXAMPLE} label="Example" />
            </Empty>
          </div>
        ) : (
          <div className="card">
            <Table
              label="Schedules"
              rows={items}
              rowKey={(row) => row.name}
              menu={menu}
              columns={[
                {
                  name: 'name',
                  label: 'Name',
                  kind: 'wide',
                  cell: (row) => (
                    <>
                      <Link className="main-link" to={`/schedules/${encodeURIComponent(row.name)}`}>
                        {row.name}
                      </Link>
                      {row.fault && (
                        <div className="state" data-tone="red">
                          {row.fault}
                        </div>
                      )}
                    </>
                  ),
                },
                { name: 'type', label: 'Job type', cell: (row) => <code>{row.job_type}</code> },
                { name: 'rule', label: 'When', cell: (row) => <Rule of={row} /> },
                {
                  name: 'state',
                  label: 'State',
                  cell: (row) => (
                    <>
                      <span className="badge" data-tone={STATES[row.state].tone}>
                        {STATES[row.state].label}
                      </span>
                      {(row.paused_by || row.paused_reason) && (
                        <div className="muted small">
                          {[row.paused_by && `by ${row.paused_by}`, row.paused_reason].filter(Boolean).join(': ')}
                        </div>
                      )}
                    </>
                  ),
                },
                {
                  name: 'outcome',
                  label: 'Last',
                  cell: (row) =>
                    row.last_outcome && (
                      <span className="badge" data-tone={OUTCOMES[row.last_outcome] ?? 'grey'}>
                        {row.last_outcome}
                      </span>
                    ),
                },
                {
                  name: 'next',
                  label: 'Next run',
                  cell: (row) => (row.next_run_at ? <Time at={row.next_run_at} as="clock" /> : ''),
                },
              ]}
            />
          </div>
        )
      }
    </View>
  )
}
