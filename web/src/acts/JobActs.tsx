import { useQueryClient } from '@tanstack/react-query'
import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useMemo, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { call, type Problem } from '@/api/client'
import type { Job, JobDetail } from '@/api/types'
import { Confirm } from '@/parts/Confirm'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { percent, shortId } from '@/words/numbers'
import { VERBS, type Verb } from '@/words/verbs'

const ResumeDialog = lazy(async () => ({ default: (await import('./resume/ResumeDialog')).ResumeDialog }))
const NewJob = lazy(async () => ({ default: (await import('./new/NewJob')).NewJob }))

type Act = (job: Job, verb: Verb) => void

interface Acts {
  act: Act
  start: (jobType?: string, params?: Job['params'], sourceId?: string | null) => void
}

const ActsContext = createContext<Acts>({ act: () => {}, start: () => {} })

export function useActs(): Acts {
  return useContext(ActsContext)
}

type Open =
  | { kind: 'confirm'; job: Job; verb: Verb }
  | { kind: 'resume'; job: Job; fresh: boolean }
  | { kind: 'new'; jobType: string; params?: Job['params']; sourceId?: string | null }

/** The verbs of a job, wherever it is shown. An open dialog keeps its job: nothing that is live re-targets it. */
export function JobActs({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const location = useLocation()
  const [open, setOpen] = useState<Open | null>(null)

  const done = useCallback(
    (job: Job | undefined) => {
      if (job?.id) queries.setQueryData<JobDetail>(['job', job.id], (old) => (old ? { ...old, ...job } : old))
      for (const key of ['job', 'jobs', 'count', 'interrupted', 'badges', 'overview', 'job-history']) {
        void queries.invalidateQueries({ queryKey: [key] })
      }
    },
    [queries],
  )

  const post = useCallback(
    async (job: Job, verb: Verb, reason = '') => {
      const answer = await send(job, verb, reason)
      done(verb === 'delete' || verb === 'again' ? undefined : answer)
      return answer
    },
    [done],
  )

  const atOnce = useCallback(
    async (job: Job, verb: Verb) => {
      try {
        await post(job, verb)
        const undo = UNDO[verb]
        toast(
          `${SAID[verb] ?? VERBS[verb]}: ${job.job_type} ${shortId(job.id)}`,
          undo && (() => void atOnce(job, undo)),
        )
      } catch (error) {
        toast(problemText(asProblem(error)))
      }
    },
    [post],
  )

  const act = useCallback<Act>(
    (job, verb) => {
      if (verb === 'resume' && job.state === 'paused') void atOnce(job, 'unpause')
      else if (verb === 'resume') setOpen({ kind: 'resume', job, fresh: false })
      else if (verb === 'fresh') setOpen({ kind: 'resume', job, fresh: true })
      else if (verb === 'again')
        setOpen({ kind: 'new', jobType: job.job_type, params: job.params, sourceId: job.source_id })
      else if (verb in LOSSES) setOpen({ kind: 'confirm', job, verb })
      else void atOnce(job, verb)
    },
    [atOnce],
  )

  const start = useCallback<Acts['start']>(
    (jobType = '', params, sourceId) => setOpen({ kind: 'new', jobType, params, sourceId }),
    [],
  )
  const acts = useMemo(() => ({ act, start }), [act, start])
  const close = () => setOpen(null)
  return (
    <ActsContext.Provider value={acts}>
      {children}
      {open?.kind === 'confirm' && (
        <Confirm
          title={`${VERBS[open.verb]} ${open.job.job_type} ${shortId(open.job.id)}?`}
          action={ACTION[open.verb] ?? VERBS[open.verb]}
          reason={open.verb === 'cancel' ? 'optional' : undefined}
          onClose={close}
          onConfirm={async (reason) => {
            await post(open.job, open.verb, reason)
            toast(`${SAID[open.verb]}: ${open.job.job_type} ${shortId(open.job.id)}`)
            if (open.verb === 'delete' && location.pathname.endsWith(`/${encodeURIComponent(open.job.id)}`))
              void navigate('/jobs')
          }}
        >
          {LOSSES[open.verb]?.(open.job)}
        </Confirm>
      )}
      <Suspense>
        {open?.kind === 'resume' && (
          <ResumeDialog
            key={open.job.id}
            jobId={open.job.id}
            startFresh={open.fresh}
            onClose={close}
            onDone={(job) => done(job)}
          />
        )}
        {open?.kind === 'new' && (
          <NewJob jobType={open.jobType} params={open.params} sourceId={open.sourceId} onClose={close} />
        )}
      </Suspense>
    </ActsContext.Provider>
  )
}

async function send(job: Job, verb: Verb, reason: string): Promise<Job> {
  const path = `jobs/${encodeURIComponent(job.id)}`
  if (verb === 'delete') return call<Job>(path, { method: 'DELETE' })
  const takesReason = verb === 'cancel' || verb === 'pause' || verb === 'ack'
  return call<Job>(`${path}/${verb}`, { method: 'POST', body: takesReason ? { reason } : undefined })
}

const UNDO: Partial<Record<Verb, Verb>> = { pause: 'unpause', unpause: 'pause' }

const SAID: Partial<Record<Verb, string>> = {
  pause: 'Paused',
  unpause: 'Goes on',
  cancel: 'Cancelled',
  'force-stop': 'Stopped by force',
  ack: 'Acknowledged',
  discard: 'Checkpoint discarded',
  delete: 'Deleted',
}

const ACTION: Partial<Record<Verb, string>> = {
  cancel: 'Cancel job',
  'force-stop': 'Force stop job',
  delete: 'Delete job',
  discard: 'Discard checkpoint',
}

/** What is lost, for each verb that loses something. */
const LOSSES: Partial<Record<Verb, (job: Job) => ReactNode>> = {
  cancel: (job) => (
    <p>
      {job.state === 'running'
        ? `It is at ${percent(job.progress.percent)} and stops at its next safe point. What it has saved is kept, so it can be resumed.`
        : 'It will not run. It can be resumed later.'}
    </p>
  ),
  'force-stop': () => (
    <p>
      Its code is stopped where it is, not at a safe point. Work since its last checkpoint is done again when it is
      resumed.
    </p>
  ),
  delete: () => <p>Its record, log and history are removed. This cannot be undone.</p>,
  discard: (job) => (
    <p>
      What it has saved ({percent(job.progress.percent)}) is dropped. It can then only be started from the beginning.
      This cannot be undone.
    </p>
  ),
}

function problemText(problem: Problem): string {
  return [problem.message, problem.record.hint].filter(Boolean).join(' ')
}
