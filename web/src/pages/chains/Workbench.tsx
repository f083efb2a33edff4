import { useQueryClient } from '@tanstack/react-query'
import { ListChecks, Play, Redo2, Save, Undo2 } from 'lucide-react'
import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { ResumeQuestion } from '@/acts/resume/ResumeQuestion'
import { call, type Problem } from '@/api/client'
import type { ChainIssue, ChainRecord, Job, JobType, ResumeFacts } from '@/api/types'
import { isTyping } from '@/app/keys'
import { useMay } from '@/app/session'
import { useZone } from '@/app/zone'
import { Note, ProblemNote } from '@/parts/Note'
import { PageHead } from '@/parts/PageHead'
import { Tabs } from '@/parts/Tabs'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { plural, shortId } from '@/words/numbers'
import { clock } from '@/words/times'
import { CodeTab } from './CodeTab'
import { Drawing } from './Drawing'
import { JobTypes } from './JobTypes'
import { PhaseList } from './PhaseList'
import { moved, newKey, type Phase, phaseOfType, planOf, sent } from './plan'
import { SaveDialog } from './SaveDialog'
import { useCheck } from './useCheck'
import { useDraft } from './useDraft'

interface Props {
  chain: ChainRecord
  types: JobType[]
  onSaved: (chain: ChainRecord) => void
}

/** A chain under the hands: job types at the left, its phases in the middle, the drawing at the right. */
export function Workbench({ chain, types, onSaved }: Props) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const id = useId()
  const [zone] = useZone()
  const saved = useMemo(() => planOf(chain), [chain])
  const draft = useDraft(chain.name || 'new', saved, chain.version)
  const { plan, change, undo, redo } = draft
  const [isFromBefore] = useState(!chain.name && draft.isChanged)
  const { report, isChecking, found } = useCheck(plan)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [tab, setTab] = useState('build')
  const [saving, setSaving] = useState(false)
  const [said, setSaid] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const running = useRef(false)
  const isCode = chain.origin === 'code'
  const may = useMay('editor')
  const readOnly = isCode || !may
  const byName = useMemo(() => new Map(types.map((type) => [type.name, type])), [types])
  const issues = useMemo(() => [...(report?.errors ?? []), ...(report?.warnings ?? [])], [report])

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const undoing = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z'
      if (undoing && !isTyping(event)) {
        const step = event.shiftKey ? redo : undo
        event.preventDefault()
        step?.()
      } else if ((event.key === 'a' || event.key === '+') && !event.ctrlKey && !event.metaKey && !isTyping(event)) {
        event.preventDefault()
        document.querySelector<HTMLInputElement>('[data-add-phase]')?.focus()
      }
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [undo, redo])

  const setPhases = (next: (phases: Phase[]) => Phase[]) => change((old) => ({ ...old, phases: next(old.phases) }))
  const add = (type: JobType) => {
    const phase = phaseOfType(type)
    setPhases((phases) => [...phases, phase])
    setSaid(`${phase.name} is phase ${plan.phases.length + 1}.`)
    const required = type.params_schema.required
    if (Array.isArray(required) && required.length > 0) setOpen(new Set([...open, phase.key]))
  }
  const move = (from: number, to: number) => {
    if (to < 0 || to >= plan.phases.length) return
    setPhases((phases) => moved(phases, from, to))
    setSaid(`${plan.phases[from]?.name} is now phase ${to + 1} of ${plan.phases.length}.`)
  }
  const show = (at: number) => {
    const phase = plan.phases[at]
    if (!phase) return
    setTab('build')
    setOpen(new Set([...open, phase.key]))
    requestAnimationFrame(() => {
      const title = document.querySelector<HTMLElement>(`[data-phase-title="${at}"]`)
      title?.focus()
      title?.scrollIntoView({ block: 'nearest' })
    })
  }
  const validate = async () => {
    const { data } = await found.refetch()
    if (!data) return
    const first = [...data.errors, ...data.warnings].find((issue) => issue.phase !== null)
    setSaid(verdict(data.errors, data.warnings))
    toast(verdict(data.errors, data.warnings))
    if (first?.phase != null) show(first.phase)
  }
  const run = async (resume: boolean | null, keep = false) => {
    if (running.current) return
    running.current = true
    setBusy(true)
    setProblem(null)
    try {
      const answer = await call<{ job_id: string }>('chains/run', {
        body: {
          phases: sent(plan.phases),
          source_id: plan.source.trim() || null,
          name: plan.label.trim() || chain.name || null,
          resume,
          keep,
        },
      })
      for (const stale of ['jobs', 'badges', 'overview', 'interrupted'])
        void queries.invalidateQueries({ queryKey: [stale] })
      toast(`${resume ? 'Resumed' : 'Started'}: job ${shortId(answer.job_id)}`)
      void navigate(`/jobs/${encodeURIComponent(answer.job_id)}`)
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      running.current = false
      setBusy(false)
    }
  }
  const unfinished =
    problem?.code === 'incomplete-job-exists' ? (problem.record.resume as ResumeFacts | undefined) : undefined
  const needsSource = plan.phases.some((phase) => byName.get(phase.job_type)?.needs_source)
  const tones = plan.phases.map((_, at) => toneOf(at, report?.errors, report?.warnings))

  const build = () => (
    <div className="builder">
      {!readOnly && (
        <aside className="builder-types card card-body" aria-label="Job types">
          <JobTypes types={types} onAdd={add} />
        </aside>
      )}
      <div className="stack">
        <PhaseList
          plan={plan}
          types={byName}
          open={open}
          report={report}
          readOnly={readOnly}
          onOpen={setOpen}
          onMove={move}
          onPhases={setPhases}
          onPhase={(phase, thing) =>
            change(
              (old) => ({ ...old, phases: old.phases.map((one) => (one.key === phase.key ? phase : one)) }),
              `${phase.key}${thing}`,
            )
          }
          onDouble={(phase) =>
            setPhases((phases) =>
              phases.flatMap((one) =>
                one.key === phase.key ? [one, { ...structuredClone(one), key: newKey() }] : [one],
              ),
            )
          }
        />
        <Weights plan={plan.phases} measured={report?.measured_weights ?? null} readOnly={readOnly} onUse={setPhases} />
      </div>
      <aside className="builder-side stack" aria-label="The chain as a whole">
        {plan.phases.length > 0 && (
          <section className="card card-body stack">
            <div className="field">
              <label htmlFor={`${id}source`}>Source{!needsSource && <span className="muted"> (optional)</span>}</label>
              <input
                id={`${id}source`}
                className="input"
                value={plan.source}
                onChange={(event) => change((old) => ({ ...old, source: event.target.value }), 'source')}
              />
              <span className="hint">What the chain works on. One job at a time for each source.</span>
            </div>
            <Verdict issues={issues} checking={isChecking} errors={report?.errors.length ?? 0} onShow={show} />
          </section>
        )}
        {plan.phases.length > 0 && (
          <section className="card card-body stack tight">
            <h2>In order</h2>
            <Drawing phases={plan.phases} types={byName} tones={tones} onPick={show} />
          </section>
        )}
      </aside>
    </div>
  )

  return (
    <>
      <PageHead
        title={chain.label || plan.label || chain.name || 'New chain'}
        lead={
          isCode ? (
            <>
              Defined in the application&rsquo;s code:{' '}
              <Link to={`/chains/new?from=${encodeURIComponent(chain.name)}`}>duplicate to edit</Link>.
            </>
          ) : draft.keptAt ? (
            `Not saved yet. Draft kept in this browser ${clock(draft.keptAt, zone)}.`
          ) : chain.version ? (
            `Version ${chain.version}${chain.updated_by ? `, saved by ${chain.updated_by}` : ''}.`
          ) : (
            'Click job types together; they run in this order.'
          )
        }
      >
        {!readOnly && (
          <>
            <button
              type="button"
              className="button quiet icon"
              aria-label="Undo"
              disabled={!undo}
              onClick={() => undo?.()}
            >
              <Undo2 size={17} aria-hidden="true" />
            </button>
            <button
              type="button"
              className="button quiet icon"
              aria-label="Redo"
              disabled={!redo}
              onClick={() => redo?.()}
            >
              <Redo2 size={17} aria-hidden="true" />
            </button>
          </>
        )}
        <button type="button" className="button" disabled={!plan.phases.length} onClick={() => void validate()}>
          <ListChecks size={16} aria-hidden="true" /> Validate
        </button>
        {!readOnly && (
          <button type="button" className="button" disabled={!plan.phases.length} onClick={() => setSaving(true)}>
            <Save size={16} aria-hidden="true" /> Save chain
          </button>
        )}
        {may && (
          <button
            type="button"
            className="button primary"
            disabled={!plan.phases.length || busy}
            onClick={() => void run(null)}
          >
            <Play size={16} aria-hidden="true" /> Run chain
          </button>
        )}
      </PageHead>
      <div className="unseen" aria-live="polite">
        {said}
      </div>
      {draft.staleFrom !== null && (
        <Note tone="amber">
          {chain.updated_by || 'Somebody'} has saved version {chain.version} while you edited version {draft.staleFrom}.
          <div className="row">
            <button type="button" className="button small" onClick={() => draft.reset(saved)}>
              Take version {chain.version}
            </button>
            <span className="muted">or go on with yours, and save it as the next version.</span>
          </div>
        </Note>
      )}
      {isFromBefore && !undo && plan.phases.length > 0 && (
        <Note tone="blue">
          This is what you built here last and have not saved.
          <div className="row">
            <button type="button" className="button small" onClick={() => change(saved)}>
              Start with an empty chain
            </button>
          </div>
        </Note>
      )}
      {problem && !unfinished && <Refused problem={problem} />}
      <Tabs
        label="Views of the chain"
        value={tab}
        onChange={setTab}
        tabs={[
          { name: 'build', label: 'Builder', content: build },
          {
            name: 'code',
            label: 'Code',
            content: () => (
              <CodeTab name={chain.name} plan={plan} onRead={readOnly ? undefined : (next) => change(next)} />
            ),
          },
        ]}
      />
      {saving && (
        <SaveDialog
          plan={plan}
          name={chain.name}
          version={chain.version}
          onClose={() => setSaving(false)}
          onSaved={(done) => {
            draft.forget()
            setSaving(false)
            onSaved(done)
          }}
        />
      )}
      {unfinished && (
        <ResumeQuestion
          facts={unfinished}
          overtaken={null}
          onClose={() => setProblem(null)}
          onResume={() => run(true)}
          canKeep
          onFresh={(keep) => run(false, keep)}
        />
      )}
    </>
  )
}

function verdict(errors: ChainIssue[], warnings: ChainIssue[]): string {
  if (!errors.length && !warnings.length) return 'The chain is valid.'
  const parts = [errors.length && plural(errors.length, 'error'), warnings.length && plural(warnings.length, 'warning')]
  return `${parts.filter(Boolean).join(', ')} found.`
}

function toneOf(at: number, errors: ChainIssue[] = [], warnings: ChainIssue[] = []): string | undefined {
  if (errors.some((issue) => issue.phase === at)) return 'red'
  return warnings.some((issue) => issue.phase === at) ? 'amber' : undefined
}

interface VerdictProps {
  issues: ChainIssue[]
  errors: number
  checking: boolean
  onShow: (at: number) => void
}

/** All that is wrong or doubtful; a press shows its phase. */
function Verdict({ issues, errors, checking, onShow }: VerdictProps) {
  if (!issues.length) return <p className="muted">{checking ? 'Checking…' : 'The chain is valid.'}</p>
  return (
    <ul className="verdict">
      {issues.map((issue, place) => (
        <li key={place} data-tone={place < errors ? 'red' : 'amber'}>
          {issue.phase === null ? (
            issue.message
          ) : (
            <button type="button" className="link-button" onClick={() => onShow(issue.phase ?? 0)}>
              {place < errors ? 'Error' : 'Warning'}: {issue.message}
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}

interface WeightsProps {
  plan: Phase[]
  measured: number[] | null
  readOnly: boolean
  onUse: (change: (phases: Phase[]) => Phase[]) => void
}

/** Where the weights are far from how long the phases took before: offers the measured ones. */
function Weights({ plan, measured, readOnly, onUse }: WeightsProps) {
  const total = plan.reduce((sum, phase) => sum + phase.weight, 0)
  if (!measured || readOnly || measured.length !== plan.length || total <= 0) return null
  const far = plan
    .map((phase, at) => ({ phase, took: measured[at] ?? 0, weighs: (100 * phase.weight) / total }))
    .sort((one, other) => Math.abs(other.took - other.weighs) - Math.abs(one.took - one.weighs))[0]
  if (!far || Math.abs(far.took - far.weighs) < 10) return null
  return (
    <Note tone="blue">
      {far.phase.name} took {Math.round(far.took)}% of the time in the last runs but weighs {Math.round(far.weighs)}%.
      <div className="row">
        <button
          type="button"
          className="button small"
          onClick={() =>
            onUse((phases) => phases.map((phase, at) => ({ ...phase, weight: measured[at] ?? phase.weight })))
          }
        >
          Use measured weights
        </button>
      </div>
    </Note>
  )
}

function Refused({ problem }: { problem: Problem }) {
  const holder = problem.code.startsWith('resource') ? (problem.record.job as Job | undefined) : undefined
  return holder ? (
    <Note tone="amber" role="alert">
      {problem.message} Nothing was started.{' '}
      <Link to={`/jobs/${encodeURIComponent(holder.id)}`}>View the job in the way</Link>
    </Note>
  ) : (
    <ProblemNote problem={problem} />
  )
}
