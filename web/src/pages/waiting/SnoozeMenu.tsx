import { Menu } from '@/parts/Menu'
import { Time } from '@/parts/Time'
import { snooze, useSnoozed } from './snooze'

const HOURS: [number, string][] = [
  [1, 'For an hour'],
  [4, 'For four hours'],
  [24, 'For a day'],
]

/** Be reminded later: this browser counts the question again then. */
export function SnoozeMenu({ id }: { id: string }) {
  const until = useSnoozed()[id]
  return (
    <>
      <Menu
        align="start"
        title="Only your reminder; its deadline stays"
        trigger={
          <button type="button" className="button">
            Snooze
          </button>
        }
        entries={[
          ...HOURS.map(([hours, label]) => ({
            label,
            onSelect: () => snooze(id, new Date(Date.now() + hours * 3_600_000)),
          })),
          ...(until ? [{ label: 'Remind me again', onSelect: () => snooze(id, null) }] : []),
        ]}
      />
      {until && (
        <span className="muted">
          Snoozed until <Time at={until} as="clock" />
        </span>
      )}
    </>
  )
}
