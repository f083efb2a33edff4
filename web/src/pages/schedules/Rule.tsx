import type { Schedule } from '@/api/types'

/** "Weekdays at 02:30 Europe/Berlin" and the rule as it was given. */
export function Rule({ of }: { of: Schedule }) {
  return (
    <span className="rule">
      <span>{of.in_words || of.rule}</span>
      {of.in_words && of.cron && <code className="muted">{of.cron}</code>}
    </span>
  )
}
