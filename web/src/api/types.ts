/** The records of the HTTP interface, as far as the pages read them. */

export interface Progress {
  percent: number | null
  message: string | null
  done: number | null
  total: number | null
  rate: number | null
  eta_seconds: number | null
  phase: string | null
}

export interface Fault {
  type: string
  message: string
  traceback: string | null
}

export interface Reason {
  code: string
  text: string
  refs: string[]
}

export interface Need {
  name: string
  capacity: number
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Schema = { [key: string]: Json }

export interface Job {
  id: string
  job_type: string
  status: string
  state: string
  label: string
  source_id: string | null
  user_id: string | null
  bot_id: string | null
  tags: string[]
  queue: string
  priority: number
  params: { [key: string]: Json }
  progress: Progress
  result: Json
  error: Fault | null
  waiting_reason: Reason | null
  hitl: Hitl | null
  attempt: number
  max_attempts: number
  created_at: string
  run_at: string | null
  started_at: string | null
  completed_at: string | null
  updated_at: string
  parent_id: string | null
  resources: Need[]
  worker_id: string | null
  has_checkpoint: boolean
  checkpoint_number: number | null
  checkpoint_at: string | null
  superseded_by: string | null
  acknowledged_by: string | null
  acknowledged_at: string | null
  acknowledged_note: string | null
  type_version: number
  v?: number
}

export interface ActionState {
  allowed: boolean
  reason: string | null
}

export interface Relative {
  id: string
  job_type: string
  state: string
}

export interface Run {
  id: string
  attempt: number
  status: string
  worker_id: string | null
  started_at: string | null
  finished_at: string | null
  duration_ms: number | null
  error: Fault | null
}

export interface Phase {
  id: string | null
  name: string
  job_type: string
  weight: number
  state: string
  percent: number | null
  started_at: string | null
  completed_at: string | null
}

export interface Range extends Relative {
  family: string | null
  number: number
  of: number
  start: number
  end: number | null
  percent: number | null
}

export interface JobDetail extends Job {
  runs: Run[]
  phases: Phase[]
  ranges: Range[]
  actions: Record<string, ActionState>
  parent: Relative | null
  schedule: string | null
  followers: Relative[]
  version: string
}

export interface CurvePoint {
  at: string
  percent: number | null
  done: number | null
}

export interface LogLine {
  seq: number
  at: string
  level: string
  message: string
  attempt: number
  fields: { [key: string]: Json }
}

export interface Change {
  seq: number
  at: string
  kind: string
  actor: string | null
  generation: number
  data: { [key: string]: Json }
}

/** The facts of the question: resume, start fresh, or neither? */
export interface ResumeFacts {
  job_id: string
  job_type: string
  source_id: string | null
  title: string
  percent: number | null
  done: number | null
  total: number | null
  age_seconds: number
  stopped_at: string
  stopped_why: string
  checkpoint: { number: number; saved_at: string; percent: number | null; kept_until: string | null } | null
  redo: { seconds: number; items: number | null } | null
  in_doubt: { step: string; item: string | null; times: number; begun_at: string; attempt: number }[]
  code: { same: boolean; was: number; now: number }
  inputs: { same: boolean; differences: { name: string; was: Json; now: Json }[] }
  can_resume: boolean
  why_not: string | null
  default: 'resume' | null
  lost_seconds: number
  left_seconds: number | null
  fresh_seconds: number | null
  phase?: { number: number; of: number; name: string } | null
  resources?: string[]
}

export interface JobType {
  name: string
  label: string
  description: string
  category: string
  params_schema: Schema
  weight: number
  queue: string
  needs_source: boolean
  resources_hint: string[]
  runs_before: string[]
  runs_after: string[]
  conflicts_with: string[]
  is_chain: boolean
  phases: { name: string; job_type: string; weight: number; params: { [key: string]: Json } }[]
}

export interface Question {
  id: string
  job_id: string
  job_type: string
  chain_id: string | null
  source_id: string | null
  name: string
  type: string
  state: string
  prompt: string
  data: Json
  schema: Schema | null
  asked_at: string | null
  expires_at: string | null
  on_timeout: string
  default: Json
  assigned_to: string | null
  claimed_by: string | null
  claimed_at: string | null
  response: Json
  answered_by: string | null
  answered_at: string | null
  holds: string[]
  behind: number
}

export interface Hitl {
  id: string
  name: string
  type: string
  prompt: string
  data: Json
  schema: Schema | null
  response: Json
  expires_at: string | null
}

export interface Count {
  value: number
  exact: boolean
}

export interface Page<T> {
  items: T[]
  next: string | null
  prev: string | null
  count?: Count | null
  /** Only so many of the newest were looked at; null means all. */
  searched?: number | null
}

export interface Session {
  user: string
  role: Role
  read_only: boolean
  signed_in: boolean
  limits: Limits
  version: string
  time_zone?: string
  database?: { kind: string }
  base?: string
}

/** Jobs of these alone; what is not named is not limited. */
export interface Limits {
  queues?: string[]
  job_types?: string[]
  user_ids?: string[]
}

export type Role = 'viewer' | 'operator' | 'editor' | 'admin'

export interface Badges {
  interrupted: Count
  inputs: Count
  failed_24h: Count
}

export interface QueueDepth {
  queue: string
  waiting: number
  oldest_seconds: number | null
}

export interface PhasePlan {
  job_type: string
  name: string
  weight: number
  params: { [key: string]: Json }
}

export interface ChainRecord {
  name: string
  label: string
  description: string
  origin: 'code' | 'saved'
  version: number | null
  updated_at: string | null
  updated_by: string | null
  aliases: string[]
  phases: PhasePlan[]
}

export interface ChainsAnswer {
  predefined: ChainRecord[]
  saved: ChainRecord[]
}

export interface ChainPlan {
  name: string | null
  label: string
  description: string
  source_id: string | null
  phases: PhasePlan[]
}

export interface ChainIssue {
  /** The phase, from 0; null for the whole chain. */
  phase: number | null
  message: string
  hint: string
  code: string
  /** The phase with which it does not fit. */
  other: number | null
}

export interface ChainReport {
  valid: boolean
  errors: ChainIssue[]
  warnings: ChainIssue[]
  measured_weights: number[] | null
}

export interface Bucket {
  at: string
  succeeded: number
  failed: number
  cancelled: number
}

export interface OverviewRecord {
  attention: { code: string; text: string; count: Count; query: string }[]
  running: Job[]
  throughput: Bucket[]
  depth: QueueDepth[]
  next_runs: { schedule: string; job_type: string; at: string }[]
}

/** One verb on many jobs; a dry run has no id and says what it would do. */
export interface Operation {
  id: string | null
  action: string
  change: { priority?: number; queue?: string; add_tags?: string[] }
  reason: string
  state: 'running' | 'done' | 'stopped' | 'dry_run'
  total: number
  done: number
  skipped: number
  failed: number
  left: number
  by_state: Record<string, number>
}

export interface OperationItem {
  job: string
  outcome: string | null
  message: string | null
}

export interface Schedule {
  id: string
  name: string
  job_type: string
  version: string
  state: 'active' | 'paused' | 'disabled' | 'ended' | 'faulty'
  enabled: boolean
  rule: string
  in_words: string
  cron: string | null
  interval_minutes: number | null
  interval_seconds: number | null
  run_at: string | null
  timezone: string
  start_at: string | null
  next_run_at: string | null
  last_run_at: string | null
  last_outcome: string | null
  params: { [key: string]: Json }
  bot_id: string | null
  source_id: string | null
  misfire_grace_seconds: number | null
  catch_up: 'latest' | 'all'
  max_catch_up: number
  overlap: 'skip' | 'queue' | 'cancel_running'
  max_instances: number
  jitter_seconds: number
  description: string
  paused_by: string | null
  paused_reason: string | null
  paused_until: string | null
  fault: string | null
  origin: string
}

export interface DueTime {
  at: string
  /** ISO 8601 in the schedule's own zone. */
  local: string
  note: string
}

export interface Start {
  schedule: string
  job_type: string
  at: string
  local: string
  expected_seconds: number | null
  resources: string[]
  clashes: { resource: string; schedule: string }[]
}

export interface ScheduleRun {
  id: string
  job_id: string | null
  bot_id: string | null
  status: string
  started_at: string
  finished_at: string | null
  duration_ms: number | null
  reason: string | null
  message: string | null
  due_at: string | null
  next_at: string | null
}

export interface Holder {
  job: string
  job_type: string | null
  source_id: string | null
  percent: number | null
  since: string | null
}

export interface Resource {
  name: string
  kind: string
  mode: 'free' | 'exclusive' | 'shared' | 'held'
  capacity: number
  token: number
  holders: Holder[]
  waiters: Holder[]
  waiting: number
  dimension: number | null
  held_by: string | null
  held_reason: string | null
  held_at: string | null
}

export interface Worker {
  id: string
  name: string
  host: string
  pid: number
  state: string
  queues: string[]
  job_types: string[]
  slots: number
  version: string
  started_at: string
  seen_at: string
  heartbeat_seconds: number
  lease_seconds: number
  jobs: { id: string; job_type: string; percent: number | null }[]
}

export interface Queue {
  name: string
  waiting: number
  running: number
  oldest_seconds: number | null
  workers: number
  slots: number
  paused_by: string | null
  paused_reason: string
  paused_at: string | null
}

export interface KeptCheckpoint {
  job: string
  job_type: string
  source_id: string | null
  state: string
  number: number
  percent: number | null
  bytes: number
  saved_at: string
  is_valid: boolean
  pinned: boolean
}

export interface Setting {
  key: string
  value: Json
  origin: string
  overridden: string[]
  redacted: boolean
}

export interface ApiKey {
  id: string
  name: string
  start: string
  role: Role
  created_by: string | null
  created_at: string
  expires_at: string | null
  used_at: string | null
  revoked_at: string | null
  is_good: boolean
  limits: Limits
  secret?: string
}

export interface Finding {
  check: string
  result: 'ok' | 'warn' | 'fail'
  text: string
  fix: string
}

export interface Pruned {
  jobs: { jobs: number; rows: number; bytes: number; by_status: Record<string, number>; kept: Record<string, number> }
  checkpoints: { jobs: number; rows: number; bytes: number; kept: Record<string, number> }
}
