import { useId, useState } from 'react'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Schedule } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { at } from './words'

/** Pause with a reason, and, if wanted, an end. */
export function Pause({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
  const id = useId()
  const [reason, setReason] = useState('')
  const [until, setUntil] = useState('')
  const act = useAct('schedules', 'schedule', 'forecast')
  const pause = async () => {
    const body = { reason: reason.trim(), until: until ? new Date(until).toISOString() : null }
    onClose()
    await act(
      () => call(`${at(schedule.name)}/pause`, { body }),
      `Paused: ${schedule.name}`,
      () => void act(() => call(`${at(schedule.name)}/resume`, { body: {} }), `Goes on: ${schedule.name}`),
    )
  }
  return (
    <FormDialog
      title={`Pause ${schedule.name}`}
      description="It starts nothing meanwhile; what would have been due is recorded."
      submit="Pause"
      onSubmit={() => void pause()}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor={`${id}reason`}>
          Reason <span className="muted">(optional)</span>
        </label>
        <input
          id={`${id}reason`}
          className="input"
          data-autofocus
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}until`}>
          Until <span className="muted">(optional)</span>
        </label>
        <input
          id={`${id}until`}
          className="input"
          type="datetime-local"
          value={until}
          onChange={(event) => setUntil(event.target.value)}
        />
        <span className="hint">In the zone of this browser. It then goes on by itself.</span>
      </div>
    </FormDialog>
  )
}
