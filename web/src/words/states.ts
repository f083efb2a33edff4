import {
  Ban,
  CalendarClock,
  CircleCheck,
  CircleDashed,
  CirclePause,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  MessageCircleQuestion,
  OctagonX,
  RotateCw,
  Unplug,
} from 'lucide-react'

export type Tone = 'blue' | 'green' | 'red' | 'amber' | 'purple' | 'grey'

export interface StateWords {
  label: string
  tone: Tone
  icon: LucideIcon
}

/** Every state as people see it: a word, a colour and a shape. */
export const STATES: Record<string, StateWords> = {
  scheduled: { label: 'Scheduled', tone: 'grey', icon: CalendarClock },
  queued: { label: 'Queued', tone: 'grey', icon: CircleDashed },
  blocked: { label: 'Waiting for resource', tone: 'amber', icon: Hourglass },
  running: { label: 'Running', tone: 'blue', icon: LoaderCircle },
  input: { label: 'Waiting for you', tone: 'purple', icon: MessageCircleQuestion },
  paused: { label: 'Paused', tone: 'grey', icon: CirclePause },
  retrying: { label: 'Retrying', tone: 'amber', icon: RotateCw },
  interrupted: { label: 'Interrupted', tone: 'amber', icon: Unplug },
  succeeded: { label: 'Succeeded', tone: 'green', icon: CircleCheck },
  failed: { label: 'Failed', tone: 'red', icon: OctagonX },
  cancelled: { label: 'Cancelled', tone: 'grey', icon: Ban },
}

export function stateWords(state: string): StateWords {
  return STATES[state] ?? { label: state, tone: 'grey', icon: CircleDashed }
}

export const ENDED = new Set(['succeeded', 'failed', 'cancelled', 'interrupted'])
