import type { JobType } from '@/api/types'
import { type Phase, shares } from './plan'

interface Props {
  phases: Phase[]
  types: Map<string, JobType>
  tones: (string | undefined)[]
  onPick: (at: number) => void
}

/** The chain as a drawing: phases in their order, each as tall as its weight, with what it occupies. */
export function Drawing({ phases, types, tones, onPick }: Props) {
  const parts = shares(phases)
  return (
    <ol className="drawing" aria-label="The chain, drawn">
      {phases.map((phase, at) => (
        <li key={phase.key} data-tone={tones[at] ?? 'blue'}>
          <button type="button" onClick={() => onPick(at)}>
            <span className="drawing-share" style={{ height: `${12 + (parts[at] ?? 0) * 0.8}px` }} />
            <span className="drawing-text">
              <strong className="cut">
                <span className="unseen">Show phase {at + 1}: </span>
                {phase.name}
              </strong>
              <span className="muted number">
                {Math.round(parts[at] ?? 0)}%{resources(types.get(phase.job_type))}
              </span>
            </span>
          </button>
        </li>
      ))}
    </ol>
  )
}

function resources(type: JobType | undefined): string {
  return type?.resources_hint.length ? ` · ${type.resources_hint.join(', ')}` : ''
}
