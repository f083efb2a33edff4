/** Resuming one of several: only where it is the same work; what needs a decision is left to a person. */
import { call } from '@/api/client'
import type { Job, ResumeFacts } from '@/api/types'
import { asProblem } from '@/parts/View'

/** Why it was left out; null if it was resumed. */
export async function resumeOne(job: Job): Promise<string | null> {
  const path = `jobs/${encodeURIComponent(job.id)}`
  try {
    const facts = await call<ResumeFacts>(`${path}/resume`)
    if (!facts.can_resume) return facts.why_not ?? 'It cannot be resumed.'
    if (facts.default !== 'resume') return `Code changed since (v${facts.code.was} to v${facts.code.now})`
    await call(`${path}/resume`, { method: 'POST' })
    return null
  } catch (error) {
    return asProblem(error).message
  }
}
