import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useId, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { call, Problem, readJson, writeJson } from '@/api/client'
import type { Job, JobType, Json, ResumeFacts } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import type { FormHandle } from '@/parts/form/SchemaForm'
import { hasForm } from '@/parts/form/schema'
import { Bones } from '@/parts/Loading'
import { Note, ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { percent, shortId } from '@/words/numbers'
import { ResumeQuestion } from '../resume/ResumeQuestion'
import { TypePicker } from './TypePicker'

const SchemaForm = lazy(async () => ({ default: (await import('@/parts/form/SchemaForm')).SchemaForm }))

interface Props {
  jobType: string
  params?: Job['params'] | undefined
  sourceId?: string | null | undefined
  onClose: () => void
}

/** A new job: what, with which parameters, when. The server has the last word on all of it. */
export function NewJob({ jobType, params, sourceId, onClose }: Props) {
  const types = useQuery({ queryKey: ['job-types'], queryFn: () => call<JobType[]>('job-types'), staleTime: 60_000 })
  const [name, setName] = useState(jobType)
  const chosen = types.data?.find((type) => type.name === name)
  if (name && (chosen || types.isPending === false)) {
    return (
      <JobForm
        key={name}
        name={name}
        type={chosen}
        params={name === jobType ? params : undefined}
        sourceId={sourceId ?? ''}
        onBack={jobType ? undefined : () => setName('')}
        onClose={onClose}
      />
    )
  }
  return (
    <Dialog title="New job" onClose={onClose} wide>
      <View query={types} rows={6}>
        {(all) => <TypePicker types={all} onChoose={setName} />}
      </View>
    </Dialog>
  )
}

interface FormProps {
  name: string
  type: JobType | undefined
  params: Job['params'] | undefined
  sourceId: string
  onBack: (() => void) | undefined
  onClose: () => void
}

interface Wish {
  resume: boolean | null
  watch: boolean
  keep?: boolean
  onConflict?: 'wait'
}

function JobForm({ name, type, params, sourceId, onBack, onClose }: FormProps) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const id = useId()
  const form = useRef<FormHandle>(null)
  const schema = type?.params_schema
  const [value, setValue] = useState<Json>(params ?? {})
  const [text, setText] = useState<string | null>(schema && hasForm(schema) ? null : writeJson(params ?? {}, 2))
  const [source, setSource] = useState(sourceId)
  const [when, setWhen] = useState<'now' | 'later'>('now')
  const [at, setAt] = useState('')
  const [queue, setQueue] = useState('')
  const [key, setKey] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const asked = useRef<Wish>({ resume: null, watch: true })

  const run = async (wish: Wish) => {
    asked.current = wish
    setProblem(null)
    let given: Json = value
    if (text !== null) {
      try {
        given = readJson(text || '{}') as Json
      } catch (error) {
        setProblem(
          new Problem({
            title: 'This is not JSON',
            detail: String(error).replace(/^\w+: /, ''),
            status: 0,
            code: 'not-json',
          }),
        )
        return
      }
    } else if (form.current && !form.current.check()) return
    setBusy(true)
    try {
      const job = await call<Job>('jobs', {
        body: {
          job_type: name,
          params: given,
          source_id: source.trim() || null,
          queue: queue.trim() || null,
          key: key.trim() || null,
          run_at: when === 'later' && at ? new Date(at).toISOString() : null,
          resume: wish.resume,
          keep: wish.keep ?? false,
          ...(wish.onConflict ? { on_conflict: wish.onConflict } : {}),
        },
      })
      for (const stale of ['jobs', 'count', 'overview', 'badges', 'interrupted'])
        void queries.invalidateQueries({ queryKey: [stale] })
      toast(wish.resume ? `Resumed: ${name} ${shortId(job.id)}` : `Submitted: ${name} ${shortId(job.id)}`)
      onClose()
      if (wish.watch || wish.resume !== null) void navigate(`/jobs/${encodeURIComponent(job.id)}`)
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }

  const unfinished =
    problem?.code === 'incomplete-job-exists' ? (problem.record.resume as ResumeFacts | undefined) : undefined
  if (unfinished) {
    return (
      <ResumeQuestion
        facts={unfinished}
        overtaken={null}
        onClose={() => setProblem(null)}
        onResume={() => run({ ...asked.current, resume: true })}
        canKeep
        onFresh={(keep) => run({ ...asked.current, resume: false, keep })}
      />
    )
  }
  const holder =
    problem?.code === 'resource-held' || problem?.code === 'resource-busy'
      ? (problem.record.job as Job | undefined)
      : undefined
  const canForm = schema !== undefined && hasForm(schema)
  return (
    <Dialog title={type?.label || name} description={type?.description} onClose={onClose} wide>
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          if (!busy) void run({ resume: null, watch: true })
        }}
      >
        <section className="stack tight" aria-label="Parameters">
          <div className="row spread">
            <h3>Parameters</h3>
            {canForm && (
              <div className="segments">
                <button
                  type="button"
                  aria-pressed={text === null}
                  onClick={() => text !== null && leaveJson(text, setValue, setText, setProblem)}
                >
                  Form
                </button>
                <button type="button" aria-pressed={text !== null} onClick={() => setText(text ?? writeJson(value, 2))}>
                  JSON
                </button>
              </div>
            )}
          </div>
          {text !== null ? (
            <textarea
              className="input mono"
              rows={8}
              spellCheck={false}
              aria-label="Parameters as JSON"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          ) : (
            <Suspense fallback={<Bones rows={3} />}>
              <SchemaForm
                ref={form}
                schema={schema ?? {}}
                value={value}
                onChange={setValue}
                faults={problem?.record.errors}
                idPrefix="param"
                disabled={busy}
              />
            </Suspense>
          )}
        </section>
        <section className="form-grid" aria-label="When and where">
          <div className="field">
            <label htmlFor={`${id}source`}>
              Source{!type?.needs_source && <span className="muted"> (optional)</span>}
            </label>
            <input
              id={`${id}source`}
              className="input"
              value={source}
              onChange={(event) => setSource(event.target.value)}
            />
            <span className="hint">What it works on. One job at a time for each source.</span>
          </div>
          <div className="field">
            <label htmlFor={`${id}when`}>When</label>
            <select
              id={`${id}when`}
              className="input"
              value={when}
              onChange={(event) => setWhen(event.target.value as 'now' | 'later')}
            >
              <option value="now">Now</option>
              <option value="later">At a time</option>
            </select>
            {when === 'later' && (
              <input
                type="datetime-local"
                className="input"
                aria-label="Time, in this browser's zone"
                value={at}
                onChange={(event) => setAt(event.target.value)}
              />
            )}
            {when === 'later' && <span className="hint">In the zone of this browser.</span>}
          </div>
        </section>
        <details>
          <summary>More</summary>
          <div className="form-grid more">
            <div className="field">
              <label htmlFor={`${id}queue`}>Queue</label>
              <input
                id={`${id}queue`}
                className="input"
                placeholder={type?.queue ?? 'default'}
                value={queue}
                onChange={(event) => setQueue(event.target.value)}
              />
            </div>
            <div className="field">
              <label htmlFor={`${id}key`}>Key</label>
              <input id={`${id}key`} className="input" value={key} onChange={(event) => setKey(event.target.value)} />
              <span className="hint">One job for each key: the same key again gives the job that exists.</span>
            </div>
          </div>
        </details>
        {holder ? (
          <Note tone="amber" role="alert">
            Already running ({percent(holder.progress.percent ?? 0)}): {holder.job_type} {shortId(holder.id)} is in the
            way. Nothing was started.
            <div className="row">
              <Link to={`/jobs/${encodeURIComponent(holder.id)}`} onClick={onClose}>
                View
              </Link>
              <button
                type="button"
                className="link-button"
                onClick={() => void run({ ...asked.current, onConflict: 'wait' })}
              >
                Run when it is free
              </button>
            </div>
          </Note>
        ) : (
          problem && <ProblemNote problem={problem} />
        )}
        <div className="dialog-foot">
          <button type="submit" className="button primary" disabled={busy}>
            Run and watch
          </button>
          <button
            type="button"
            className="button"
            disabled={busy}
            onClick={() => void run({ resume: null, watch: false })}
          >
            Run
          </button>
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          {onBack && (
            <button type="button" className="button quiet" onClick={onBack}>
              Another job type
            </button>
          )}
        </div>
      </form>
    </Dialog>
  )
}

function leaveJson(
  text: string,
  setValue: (value: Json) => void,
  setText: (text: string | null) => void,
  setProblem: (problem: Problem | null) => void,
): void {
  try {
    setValue(readJson(text || '{}') as Json)
    setText(null)
    setProblem(null)
  } catch (error) {
    setProblem(
      new Problem({
        title: 'This is not JSON',
        detail: String(error).replace(/^\w+: /, ''),
        status: 0,
        code: 'not-json',
      }),
    )
  }
}
