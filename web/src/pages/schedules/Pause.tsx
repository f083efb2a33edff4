import { useState } from 'react'
import { useAct } from '@/acts/useAct'
import { call } from '@/api/client'
import type { Schedule } from '@/api/types'
import { FormDialog } from '@/parts/FormDialog'
import { TextField } from '@/parts/TextField'
import { at } from './words'

/** Pause with a reason, and, if wanted, an end. */
export function Pause({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) {
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
      <TextField label="Reason" optional data-autofocus value={reason} onChange={setReason} />
      <TextField
        label="Until"
        optional
        hint="In the zone of this browser. It then goes on by itself."
        type="datetime-local"
        value={until}
        onChange={setUntil}
      />
    </FormDialog>
  )
}
