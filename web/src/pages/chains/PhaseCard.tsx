import { useSortable } from '@dnd-kit/sortable'
import { CSS } from '@dnd-kit/utilities'
import { ArrowDown, ArrowUp, ChevronRight, Copy, GripVertical, Trash2 } from 'lucide-react'
import { lazy, Suspense, useId } from 'react'
import type { ChainIssue, JobType, Json } from '@/api/types'
import { hasForm } from '@/parts/form/schema'
import { Bones } from '@/parts/Loading'
import { Note } from '@/parts/Note'
import { mendOf, type Phase } from './plan'

const SchemaForm = lazy(async () => ({ default: (await import('@/parts/form/SchemaForm')).SchemaForm }))

export interface Says {
  errors: ChainIssue[]
  warnings: ChainIssue[]
}

interface Props {
  phase: Phase
  at: number
  phases: Phase[]
  share: number
  type: JobType | undefined
  open: boolean
  says: Says
  readOnly: boolean
  onToggle: () => void
  onChange: (phase: Phase, thing: string) => void
  onPhases: (change: (phases: Phase[]) => Phase[]) => void
  onMove: (to: number) => void
  onRemove: () => void
  onDouble: () => void
}

/** A phase of the chain: its place, its weight, and, opened, its parameters. */
export function PhaseCard(props: Props) {
  const { phase, at, phases, share, type, open, says, readOnly, onToggle, onChange, onMove, onRemove, onDouble } = props
  const id = useId()
  const sortable = useSortable({ id: phase.key, disabled: readOnly })
  const tone = says.errors.length ? 'red' : says.warnings.length ? 'amber' : undefined
  const asks = type && hasForm(type.params_schema)
  return (
    <li
      ref={sortable.setNodeRef}
      style={{ transform: CSS.Translate.toString(sortable.transform), transition: sortable.transition }}
      className="phase-card card"
      data-tone={tone}
      data-moving={sortable.isDragging}
      data-phase={at}
      onKeyDown={(event) => {
        if (!event.altKey || readOnly || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
        event.preventDefault()
        onMove(event.key === 'ArrowUp' ? at - 1 : at + 1)
      }}
    >
      <div className="phase-head">
        {!readOnly && (
          <button
            type="button"
            className="button quiet icon grip"
            ref={sortable.setActivatorNodeRef}
            {...sortable.attributes}
            {...sortable.listeners}
            aria-label={`Move ${phase.name}, phase ${at + 1} of ${phases.length}`}
          >
            <GripVertical size={16} aria-hidden="true" />
          </button>
        )}
        <span className="phase-number number" aria-hidden="true">
          {at + 1}
        </span>
        <button
          type="button"
          className="phase-title"
          aria-expanded={open}
          aria-controls={`${id}body`}
          data-phase-title={at}
          onClick={onToggle}
        >
          <ChevronRight size={16} aria-hidden="true" className="chevron" />
          <span className="cut">
            <strong>{phase.name || phase.job_type}</strong> <code className="muted">{phase.job_type}</code>
          </span>
        </button>
        <span className="phase-share number muted">{Math.round(share)}%</span>
        {!readOnly && (
          <span className="phase-tools">
            <Tool label={`Move ${phase.name} up`} Icon={ArrowUp} disabled={at === 0} onClick={() => onMove(at - 1)} />
            <Tool
              label={`Move ${phase.name} down`}
              Icon={ArrowDown}
              disabled={at === phases.length - 1}
              onClick={() => onMove(at + 1)}
            />
            <Tool label={`Duplicate ${phase.name}`} Icon={Copy} onClick={onDouble} />
            <Tool label={`Remove ${phase.name}`} Icon={Trash2} onClick={onRemove} />
          </span>
        )}
      </div>
      {(tone || open) && (
        <div className="phase-body stack" id={`${id}body`}>
          {[...says.errors, ...says.warnings].map((issue) => (
            <Issue key={issue.message} issue={issue} isError={says.errors.includes(issue)} {...props} />
          ))}
          {open && (
            <>
              {type?.description && <p className="muted">{type.description}</p>}
              <div className="form-grid">
                <div className="field">
                  <label htmlFor={`${id}name`}>Name</label>
                  <input
                    id={`${id}name`}
                    className="input"
                    disabled={readOnly}
                    value={phase.name}
                    onChange={(event) => onChange({ ...phase, name: event.target.value }, 'name')}
                  />
                </div>
                <div className="field">
                  <label htmlFor={`${id}weight`}>Weight</label>
                  <input
                    id={`${id}weight`}
                    className="input number"
                    type="number"
                    min={0}
                    max={100}
                    step="any"
                    disabled={readOnly}
                    value={phase.weight}
                    onChange={(event) => onChange({ ...phase, weight: Number(event.target.value) || 0 }, 'weight')}
                  />
                  <span className="hint">Its part of the progress bar: {Math.round(share)}% of the chain.</span>
                </div>
              </div>
              {asks ? (
                <Suspense fallback={<Bones rows={3} />}>
                  <SchemaForm
                    schema={type.params_schema}
                    value={phase.params}
                    idPrefix={`${id}param`}
                    disabled={readOnly}
                    onChange={(value: Json) =>
                      JSON.stringify(value) !== JSON.stringify(phase.params) &&
                      onChange({ ...phase, params: (value ?? {}) as Phase['params'] }, 'params')
                    }
                  />
                </Suspense>
              ) : (
                <p className="muted">{type ? 'It takes no parameters.' : 'This job type is not known here.'}</p>
              )}
            </>
          )}
        </div>
      )}
    </li>
  )
}

function Tool(props: { label: string; Icon: typeof Copy; disabled?: boolean; onClick: () => void }) {
  const { label, Icon, disabled = false, onClick } = props
  return (
    <button
      type="button"
      className="button small quiet icon"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon size={15} aria-hidden="true" />
    </button>
  )
}

interface IssueProps {
  issue: ChainIssue
  isError: boolean
  phases: Phase[]
  readOnly: boolean
  onPhases: Props['onPhases']
}

function Issue({ issue, isError, phases, readOnly, onPhases }: IssueProps) {
  const mend = readOnly ? null : mendOf(issue, phases)
  return (
    <Note tone={isError ? 'red' : 'amber'}>
      <strong>{isError ? 'Error' : 'Warning'}:</strong> {issue.message}
      {mend ? (
        <div className="row">
          <button type="button" className="button small" onClick={() => onPhases(mend.apply)}>
            {mend.label}
          </button>
        </div>
      ) : (
        issue.hint && <div className="muted">{issue.hint}</div>
      )}
    </Note>
  )
}
