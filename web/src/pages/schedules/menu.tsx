import { useNavigate } from 'react-router'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Job, Schedule } from '@/api/types'
import { useMay } from '@/app/session'
import { Menu } from '@/parts/Menu'
import { MoreButton } from '@/parts/MoreButton'
import { at } from './words'

export type Open = { kind: 'edit' | 'pause' | 'backfill' | 'delete'; schedule: Schedule } | { kind: 'new' }

/** What can be done with a schedule. */
export function useScheduleMenu(onOpen: (open: Open) => void) {
  const may = useMay('editor')
  const operator = useMay('operator')
  const navigate = useNavigate()
  const act = useAct('schedules', 'schedule', 'forecast', 'jobs')
  if (!operator) return undefined
  return (row: Schedule) => {
    const post = (verb: string, said: string) => void act(() => call(`${at(row.name)}/${verb}`, { body: {} }), said)
    const run = async () => {
      await act(async () => {
        const job = await call<Job>(`${at(row.name)}/run`, { method: 'POST' })
        void navigate(`/jobs/${encodeURIComponent(job.id)}`)
      }, `Started: ${row.name}`)
    }
    return (
      <Menu
        trigger={<MoreButton label={`What can be done with ${row.name}`} />}
        entries={[
          { label: 'Run now', onSelect: () => void run() },
          row.enabled
            ? { label: 'Pause …', onSelect: () => onOpen({ kind: 'pause', schedule: row }) }
            : { label: 'Resume', onSelect: () => post('resume', `Goes on: ${row.name}`) },
          {
            label: 'Skip next',
            why: row.next_run_at ? null : 'There is no next run',
            onSelect: () => post('skip-next', `The next run of ${row.name} is left out`),
          },
          ...(may
            ? [
                { label: '', line: true },
                { label: 'Edit …', onSelect: () => onOpen({ kind: 'edit', schedule: row }) },
                { label: 'Backfill …', onSelect: () => onOpen({ kind: 'backfill', schedule: row }) },
                { label: 'Delete …', onSelect: () => onOpen({ kind: 'delete', schedule: row }) },
              ]
            : []),
        ]}
      />
    )
  }
}
