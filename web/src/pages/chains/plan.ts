/** A chain that is being built: its phases, and what can be done to them. */
import type { ChainIssue, ChainRecord, JobType, Json, PhasePlan } from '@/api/types'

export interface Phase {
  /** Tells phases apart while they move; never sent. */
  key: string
  job_type: string
  name: string
  weight: number
  params: { [name: string]: Json }
}

export interface Plan {
  label: string
  description: string
  source: string
  phases: Phase[]
}

export const EMPTY: Plan = { label: '', description: '', source: '', phases: [] }

let last = 0

export function newKey(): string {
  last += 1
  return `${Date.now().toString(36)}-${last}`
}

export function phaseOf(plan: PhasePlan): Phase {
  return { key: newKey(), job_type: plan.job_type, name: plan.name, weight: plan.weight, params: plan.params }
}

export function phaseOfType(type: JobType): Phase {
  return { key: newKey(), job_type: type.name, name: type.label || type.name, weight: type.weight, params: {} }
}

export function planOf(chain: Pick<ChainRecord, 'label' | 'description' | 'phases'>): Plan {
  return { label: chain.label, description: chain.description, source: '', phases: chain.phases.map(phaseOf) }
}

/** As the server takes phases. */
export function sent(phases: Phase[]): PhasePlan[] {
  return phases.map(({ job_type, name, weight, params }) => ({
    job_type,
    name: name.trim() || job_type,
    weight,
    params,
  }))
}

export function moved(phases: Phase[], from: number, to: number): Phase[] {
  if (from === to || from < 0 || to < 0 || from >= phases.length || to >= phases.length) return phases
  const left = [...phases]
  left.splice(to, 0, ...left.splice(from, 1))
  return left
}

/** Each phase's part of the whole, in percent. */
export function shares(phases: Phase[]): number[] {
  const total = phases.reduce((sum, phase) => sum + phase.weight, 0)
  return phases.map((phase) => (total > 0 ? (100 * phase.weight) / total : 0))
}

export interface Mend {
  label: string
  apply: (phases: Phase[]) => Phase[]
}

/** What puts an issue right, where that is plain. */
export function mendOf(issue: ChainIssue, phases: Phase[]): Mend | null {
  const { phase: at, other } = issue
  const name = (place: number) => phases[place]?.name ?? 'it'
  if (at === null) return null
  if (issue.code === 'order' && other !== null) {
    return { label: `Move ${name(other)} before ${name(at)}`, apply: (all) => moved(all, other, at) }
  }
  if (issue.code === 'type-conflict' && other !== null) {
    return { label: `Move ${name(at)} before ${name(other)}`, apply: (all) => moved(all, at, other) }
  }
  if (issue.code === 'phase-repeated' || issue.code === 'job-type-unknown') {
    return { label: `Remove ${name(at)}`, apply: (all) => all.filter((_, place) => place !== at) }
  }
  return null
}

export function isSame(one: Plan, other: Plan): boolean {
  const plain = (plan: Plan) => JSON.stringify([plan.label, plan.description, sent(plan.phases)])
  return plain(one) === plain(other)
}
