import {
  type Announcements,
  type CollisionDetection,
  closestCenter,
  DndContext,
  KeyboardSensor,
  PointerSensor,
  pointerWithin,
  useSensor,
  useSensors,
} from '@dnd-kit/core'
import { SortableContext, sortableKeyboardCoordinates, verticalListSortingStrategy } from '@dnd-kit/sortable'
import { Workflow } from 'lucide-react'
import type { ChainReport, JobType } from '@/api/types'
import { Empty } from '@/parts/Empty'
import { PhaseCard } from './PhaseCard'
import { type Phase, type Plan, shares } from './plan'

interface Props {
  plan: Plan
  types: Map<string, JobType>
  open: ReadonlySet<string>
  report: ChainReport | undefined
  readOnly: boolean
  onOpen: (open: ReadonlySet<string>) => void
  onMove: (from: number, to: number) => void
  onPhases: (change: (phases: Phase[]) => Phase[]) => void
  onPhase: (phase: Phase, thing: string) => void
  onDouble: (phase: Phase) => void
}

/** The phases in their order; they are moved by dragging, by buttons, or with Alt and the arrow keys. */
export function PhaseList(props: Props) {
  const { plan, types, open, report, readOnly, onOpen, onMove, onPhases, onPhase, onDouble } = props
  const { phases } = plan
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: { distance: 4 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  )
  const place = (key: unknown) => phases.findIndex((phase) => phase.key === key)
  const parts = shares(phases)
  if (phases.length === 0) {
    return (
      <div className="card">
        <Empty title="The chain is empty" icon={Workflow}>
          <p>
            {readOnly
              ? 'Nothing was put into it.'
              : 'Click a job type to add it. Press A to find one by its name; Alt and the arrow keys move a phase.'}
          </p>
        </Empty>
      </div>
    )
  }
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={under}
      accessibility={{ announcements: announcements(phases, place) }}
      onDragEnd={({ active, over }) => over && active.id !== over.id && onMove(place(active.id), place(over.id))}
    >
      <SortableContext items={phases.map((phase) => phase.key)} strategy={verticalListSortingStrategy}>
        <ol className="phases" aria-label="Phases">
          {phases.map((phase, at) => (
            <PhaseCard
              key={phase.key}
              phase={phase}
              at={at}
              phases={phases}
              share={parts[at] ?? 0}
              type={types.get(phase.job_type)}
              open={open.has(phase.key)}
              readOnly={readOnly}
              says={{
                errors: report?.errors.filter((issue) => issue.phase === at) ?? [],
                warnings: report?.warnings.filter((issue) => issue.phase === at) ?? [],
              }}
              onToggle={() => {
                const next = new Set(open)
                if (!next.delete(phase.key)) next.add(phase.key)
                onOpen(next)
              }}
              onChange={onPhase}
              onPhases={onPhases}
              onMove={(to) => {
                onMove(at, to)
                requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-phase-title="${to}"]`)?.focus())
              }}
              onRemove={() => onPhases((all) => all.filter((one) => one.key !== phase.key))}
              onDouble={() => onDouble(phase)}
            />
          ))}
        </ol>
      </SortableContext>
    </DndContext>
  )
}

/** Where the pointer is decides, since opened phases are tall; without a pointer, whose middle is nearest. */
const under: CollisionDetection = (args) => {
  const found = args.pointerCoordinates ? pointerWithin(args) : []
  return found.length > 0 ? found : closestCenter(args)
}

function announcements(phases: Phase[], place: (key: unknown) => number): Announcements {
  const name = (key: unknown) => phases[place(key)]?.name ?? 'The phase'
  const where = (key: unknown) => `place ${place(key) + 1} of ${phases.length}`
  return {
    onDragStart: ({ active }) => `Picked up ${name(active.id)}, ${where(active.id)}.`,
    onDragOver: ({ active, over }) =>
      over && over.id !== active.id ? `${name(active.id)} is over ${where(over.id)}.` : undefined,
    onDragEnd: ({ active, over }) => (over ? `${name(active.id)} was dropped at ${where(over.id)}.` : undefined),
    onDragCancel: ({ active }) => `${name(active.id)} stays where it was.`,
  }
}
