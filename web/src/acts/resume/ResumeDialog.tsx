import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { call, callWithTag, Problem } from '@/api/client'
import type { Change, Job, JobDetail, Page, ResumeFacts } from '@/api/types'
import { Dialog } from '@/parts/Dialog'
import { Bones } from '@/parts/Loading'
import { ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { ResumeQuestion } from './ResumeQuestion'
import { far } from './words'

interface Props {
  jobId: string
  startFresh?: boolean
  onClose: () => void
  onDone: (job: Job) => void
  /** Where to go after; the page of the job, unless one of several is being looked at. */
  stay?: boolean
}

interface Known {
  facts: ResumeFacts
  tag: string | undefined
}

/** The question about one job. Its facts are those of the moment at which it was asked. */
export function ResumeDialog({ jobId, startFresh = false, onClose, onDone, stay = false }: Props) {
  const navigate = useNavigate()
  const [overtaken, setOvertaken] = useState<{ by: string; at: string; what: string } | null>(null)
  const path = `jobs/${encodeURIComponent(jobId)}`
  const found = useQuery<Known>({
    queryKey: ['resume-facts', jobId],
    queryFn: async () => {
      const [{ data: job, tag }, facts] = await Promise.all([
        callWithTag<JobDetail>(path),
        call<ResumeFacts>(`${path}/resume`),
      ])
      const at = job.phases.findIndex((phase) => phase.state !== 'succeeded')
      const phase =
        at >= 0 && job.phases.length > 1
          ? { number: at + 1, of: job.phases.length, name: job.phases[at]?.name ?? '' }
          : null
      const resources = job.resources.map((need) => need.name).filter((name) => !name.startsWith('source:'))
      return { facts: { phase, resources, ...facts }, tag }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  if (!found.data) {
    return (
      <Dialog title="Looking at what was saved" onClose={onClose} alert>
        {found.error ? <ProblemNote problem={asProblem(found.error)} /> : <Bones rows={4} height={1.5} />}
      </Dialog>
    )
  }
  const { facts, tag } = found.data
  const act = async (verb: 'resume' | 'fresh', said: string, body?: { keep: boolean }) => {
    try {
      const job = await call<Job>(`${path}/${verb}`, { method: 'POST', match: tag, body })
      onDone(job)
      toast(said)
      onClose()
      if (!stay) void navigate(`/jobs/${encodeURIComponent(job.id)}`)
    } catch (error) {
      const faster = await whoWasFaster(path, error, found.dataUpdatedAt)
      if (!faster) throw error
      setOvertaken(faster)
    }
  }
  const number = facts.checkpoint ? ` (checkpoint ${facts.checkpoint.number})` : ''
  return (
    <ResumeQuestion
      facts={facts}
      startFresh={startFresh}
      overtaken={overtaken}
      canKeep
      onClose={onClose}
      onResume={() => act('resume', `Resumed from ${far(facts)}${number}`)}
      onFresh={(keep) =>
        act('fresh', keep ? 'Started fresh as a new job; the old one is kept' : 'Started fresh', { keep })
      }
    />
  )
}

const WHAT: Record<string, string> = { resumed: 'Resumed', restarted: 'Started fresh', discarded: 'Discarded' }

const CLOCKS_DIFFER_MS = 60_000

/** If the job has moved on meanwhile: who did that, and when. */
async function whoWasFaster(path: string, error: unknown, since: number) {
  if (!(error instanceof Problem) || (error.status !== 409 && error.status !== 412)) return null
  try {
    const history = await call<Page<Change>>(`${path}/history`)
    const last = history.items.findLast((change) => change.kind in WHAT)
    if (!last || Date.parse(last.at) < since - CLOCKS_DIFFER_MS) return null
    const reason = typeof last.data.by === 'string' ? last.data.by : null
    return { by: last.actor ?? reason ?? 'somebody', at: last.at, what: WHAT[last.kind] ?? last.kind }
  } catch {
    return null
  }
}
