/** The pages, in their order, each with the key that follows "g". */
import {
  Archive,
  Boxes,
  CalendarClock,
  LayoutDashboard,
  ListChecks,
  type LucideIcon,
  MessageCircleQuestion,
  Server,
  Settings,
  Unplug,
  Workflow,
} from 'lucide-react'
import type { Badges } from '@/api/types'
import type { Tone } from '@/words/states'

export interface NavPage {
  path: string
  label: string
  key: string
  icon: LucideIcon
  /** It shows all jobs, so it is not for those who may see only some. */
  whole?: boolean
  badge?: { name: keyof Badges; tone: Tone; meaning: string }
}

export const PAGES: NavPage[] = [
  { path: '/', label: 'Overview', key: 'o', icon: LayoutDashboard, whole: true },
  {
    path: '/jobs',
    label: 'Jobs',
    key: 'j',
    icon: ListChecks,
    badge: { name: 'failed_24h', tone: 'red', meaning: 'failed in 24 h' },
  },
  {
    path: '/interrupted',
    label: 'Interrupted',
    key: 'i',
    icon: Unplug,
    badge: { name: 'interrupted', tone: 'amber', meaning: 'interrupted' },
  },
  { path: '/schedules', label: 'Schedules', key: 's', icon: CalendarClock, whole: true },
  { path: '/chains', label: 'Chains', key: 'c', icon: Workflow, whole: true },
  {
    path: '/waiting',
    label: 'Waiting for you',
    key: 'w',
    icon: MessageCircleQuestion,
    badge: { name: 'inputs', tone: 'purple', meaning: 'waiting for you' },
  },
  { path: '/resources', label: 'Resources', key: 'r', icon: Boxes, whole: true },
  { path: '/checkpoints', label: 'Checkpoints', key: 'k', icon: Archive, whole: true },
  { path: '/workers', label: 'Workers', key: 'n', icon: Server, whole: true },
  { path: '/settings', label: 'Settings', key: ',', icon: Settings, whole: true },
]
