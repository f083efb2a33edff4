import { useQuery, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useId, useRef, useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { JobType, Json, Schedule } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import type { FormHandle } from '@/parts/form/SchemaForm'
import { hasForm } from '@/parts/form/schema'
import { Bones } from '@/parts/Loading'
import { ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { zoneName } from '@/words/times'
import { Preview } from './Preview'
import { at, OVERLAP } from './words'

const SchemaForm = lazy(async () => ({ default: (await import('@/parts/form/SchemaForm')).SchemaForm }))

type Kind = 'cron' | 'interval' | 'date'

/** A new schedule, or one that is changed; its next runs are shown while it is written. */
export function Editor({ schedule, onClose }: { schedule: Schedule | null; onClose: () => void }) {
  const types = useQuery({ queryKey: ['job-types'], queryFn: () => call<JobType[]>('job-types'), staleTime: 60_000 })
  return (
    <Dialog title={schedule ? `Edit ${schedule.name}` : 'New schedule'} onClose={onClose} wide>
      <View query={types} rows={6}>
        {(all) => <Form schedule={schedule} types={all} onClose={onClose} />}
      </View>
    </Dialog>
  )
}

const ZONES = Intl.supportedValuesOf('timeZone')

function Form({ schedule, types, onClose }: { schedule: Schedule | null; types: JobType[]; onClose: () => void }) {
  const queries = useQueryClient()
  const id = useId()
  const form = useRef<FormHandle>(null)
  const [name, setName] = useState(schedule?.name ?? '')
  const [type, setType] = useState(schedule?.job_type ?? '')
  const [kind, setKind] = useState<Kind>(
    schedule ? (schedule.cron ? 'cron' : schedule.run_at ? 'date' : 'interval') : 'cron',
  )
  const [cron, setCron] = useState(schedule?.cron ?? '30 2 * * *')
  const [every, setEvery] = useState(intervalOf(schedule))
  const [date, setDate] = useState(localOf(schedule?.run_at ?? null))
  const [zone, setZone] = useState(schedule?.timezone ?? zoneName('local'))
  const [overlap, setOverlap] = useState(schedule?.overlap ?? 'skip')
  const [catchUp, setCatchUp] = useState(schedule?.catch_up ?? 'latest')
  const [grace, setGrace] = useState(String(schedule?.misfire_grace_seconds ?? 300))
  const [jitter, setJitter] = useState(String(schedule?.jitter_seconds ?? 0))
  const [source, setSource] = useState(schedule?.source_id ?? '')
  const [description, setDescription] = useState(schedule?.description ?? '')
  const [params, setParams] = useState<Json>(schedule?.params ?? {})
  // What is shown behind the dialog goes on; what was filled in began with this one.
  const [seen] = useState(schedule?.version)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const chosen = types.find((found) => found.name === type)
  const seconds = Math.round(Number(every.value) * UNITS[every.unit])

  const save = async () => {
    if (form.current && !form.current.check()) return
    setBusy(true)
    setProblem(null)
    const body = {
      job_type: type,
      cron: kind === 'cron' ? cron.trim() : null,
      interval_seconds: kind === 'interval' ? seconds : null,
      run_at: kind === 'date' && date ? new Date(date).toISOString() : null,
      timezone: zone,
      params,
      source_id: source.trim() || null,
      overlap,
      catch_up: catchUp,
      misfire_grace_seconds: grace.trim() === '' ? null : Number(grace),
      jitter_seconds: Number(jitter) || 0,
      description: description.trim(),
    }
    try {
      const saved = schedule
        ? await call<Schedule>(at(schedule.name), { method: 'PATCH', body, match: `"${seen}"` })
        : await call<Schedule>('schedules', { body: { name: name.trim(), ...body } })
      for (const stale of ['schedules', 'schedule', 'forecast']) void queries.invalidateQueries({ queryKey: [stale] })
      toast(`Saved: ${saved.name}`)
      onClose()
    } catch (error) {
      setProblem(asProblem(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form
      className="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        if (!busy) void save()
      }}
    >
      <div className="form-grid">
        <div className="field">
          <label htmlFor={`${id}name`}>Name</label>
          <input
            id={`${id}name`}
            className="input"
            data-autofocus
            disabled={schedule !== null}
            placeholder="nightly"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}type`}>Job type</label>
          <select
            id={`${id}type`}
            className="input"
            value={type}
            onChange={(event) => {
              setType(event.target.value)
              setParams({})
            }}
          >
            <option value="">Choose …</option>
            {type && !chosen && <option value={type}>{type} (not known here)</option>}
            {types.map((found) => (
              <option key={found.name} value={found.name}>
                {found.label || found.name}
              </option>
            ))}
          </select>
        </div>
      </div>
      <fieldset className="segments" aria-label="Kind of rule">
        {(['cron', 'interval', 'date'] as const).map((one) => (
          <button key={one} type="button" aria-pressed={kind === one} onClick={() => setKind(one)}>
            {{ cron: 'Cron', interval: 'Interval', date: 'One date' }[one]}
          </button>
        ))}
      </fieldset>
      <div className="form-grid">
        {kind === 'cron' && (
          <div className="field">
            <label htmlFor={`${id}cron`}>Cron</label>
            <input
              id={`${id}cron`}
              className="input mono"
              maxLength={200}
              spellCheck={false}
              value={cron}
              onChange={(event) => setCron(event.target.value)}
            />
            <span className="hint">Minute, hour, day of month, month, day of week; or @daily and its kin.</span>
          </div>
        )}
        {kind === 'interval' && (
          <div className="field">
            <label htmlFor={`${id}every`}>Every</label>
            <span className="row">
              <input
                id={`${id}every`}
                className="input narrow"
                type="number"
                min={1}
                value={every.value}
                onChange={(event) => setEvery({ ...every, value: event.target.value })}
              />
              <select
                className="input narrow"
                aria-label="Unit"
                value={every.unit}
                onChange={(event) => setEvery({ ...every, unit: event.target.value as Unit })}
              >
                {Object.keys(UNITS).map((unit) => (
                  <option key={unit}>{unit}</option>
                ))}
              </select>
            </span>
            <span className="hint">It keeps its phase: a late run does not shift the ones after it.</span>
          </div>
        )}
        {kind === 'date' && (
          <div className="field">
            <label htmlFor={`${id}date`}>At</label>
            <input
              id={`${id}date`}
              className="input"
              type="datetime-local"
              value={date}
              onChange={(event) => setDate(event.target.value)}
            />
            <span className="hint">In the zone of this browser.</span>
          </div>
        )}
        <div className="field">
          <label htmlFor={`${id}zone`}>Time zone</label>
          <input
            id={`${id}zone`}
            className="input"
            list={`${id}zones`}
            value={zone}
            onChange={(event) => setZone(event.target.value)}
          />
          <datalist id={`${id}zones`}>
            {ZONES.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
        </div>
      </div>
      {kind !== 'date' && (
        <Preview
          cron={kind === 'cron' ? cron.trim() : undefined}
          seconds={kind === 'interval' && seconds >= 1 ? seconds : undefined}
          timezone={zone}
        />
      )}
      {chosen && hasForm(chosen.params_schema) && (
        <section className="stack tight" aria-label="Parameters">
          <h3>Parameters</h3>
          <Suspense fallback={<Bones rows={3} />}>
            <SchemaForm
              key={type}
              ref={form}
              schema={chosen.params_schema}
              value={params}
              onChange={setParams}
              faults={problem?.record.errors}
              idPrefix={`${id}param`}
            />
          </Suspense>
        </section>
      )}
      <details>
        <summary>More</summary>
        <div className="form-grid more">
          <div className="field">
            <label htmlFor={`${id}source`}>
              Source{!chosen?.needs_source && <span className="muted"> (optional)</span>}
            </label>
            <input
              id={`${id}source`}
              className="input"
              value={source}
              onChange={(event) => setSource(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}overlap`}>While one still runs</label>
            <select
              id={`${id}overlap`}
              className="input"
              value={overlap}
              onChange={(event) => setOverlap(event.target.value as Schedule['overlap'])}
            >
              {Object.entries(OVERLAP).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </div>
          <div className="field">
            <label htmlFor={`${id}catch`}>When several were missed</label>
            <select
              id={`${id}catch`}
              className="input"
              value={catchUp}
              onChange={(event) => setCatchUp(event.target.value as Schedule['catch_up'])}
            >
              <option value="latest">run once, for the latest</option>
              <option value="all">run once for each</option>
            </select>
          </div>
          <div className="field">
            <label htmlFor={`${id}grace`}>Too late after (seconds)</label>
            <input
              id={`${id}grace`}
              className="input"
              type="number"
              min={0}
              placeholder="never"
              value={grace}
              onChange={(event) => setGrace(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}jitter`}>Spread over (seconds)</label>
            <input
              id={`${id}jitter`}
              className="input"
              type="number"
              min={0}
              value={jitter}
              onChange={(event) => setJitter(event.target.value)}
            />
          </div>
          <div className="field">
            <label htmlFor={`${id}description`}>Description</label>
            <input
              id={`${id}description`}
              className="input"
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          </div>
        </div>
      </details>
      {problem && <ProblemNote problem={problem} />}
      <div className="dialog-foot">
        <button type="submit" className="button primary" disabled={busy || !type || !name.trim()}>
          Save schedule
        </button>
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  )
}

const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 }
type Unit = keyof typeof UNITS

function intervalOf(schedule: Schedule | null): { value: string; unit: Unit } {
  const seconds = schedule?.interval_minutes ? schedule.interval_minutes * 60 : (schedule?.interval_seconds ?? 3600)
  const unit = (['days', 'hours', 'minutes'] as const).find((one) => seconds % UNITS[one] === 0) ?? 'seconds'
  return { value: String(seconds / UNITS[unit]), unit }
}

/** As a field for date and time takes it: in the zone of this browser. */
function localOf(iso: string | null): string {
  if (!iso) return ''
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
