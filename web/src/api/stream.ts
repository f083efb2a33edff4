/** One connection for events, wherever it lives: a shared worker, or the one tab that holds the lock. */

export type StreamStatus = 'connecting' | 'live' | 'reconnecting' | 'failing'

export type StreamMessage =
  | { kind: 'status'; status: StreamStatus; at: number; retryAt: number | null }
  | { kind: 'event'; topic: string; data: LiveEvent; at: number }
  | { kind: 'reset' }

export interface LiveEvent {
  id?: string
  v?: number
  state?: string
  percent?: number | null
  [fact: string]: unknown
}

export const TOPICS = ['jobs', 'progress', 'inputs', 'resources', 'schedules', 'workers'] as const

const FAILING_AFTER = 3
const LONGEST_WAIT_MS = 30_000

export class EventStream {
  private source: EventSource | null = null
  private failures = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private lastId = ''
  private status: StreamStatus = 'connecting'
  private lastAt = 0
  private retryAt: number | null = null

  constructor(
    private readonly url: string,
    private readonly tell: (message: StreamMessage) => void,
  ) {}

  open(): void {
    if (this.source || this.timer !== undefined) return
    const url = new URL(this.url)
    url.searchParams.set('topics', TOPICS.join(','))
    if (this.lastId) url.searchParams.set('last_event_id', this.lastId)
    const source = new EventSource(url, { withCredentials: true })
    this.source = source
    source.onopen = () => {
      this.failures = 0
      this.become('live', null)
    }
    source.onerror = () => this.lost()
    const heard = (topic: string) => (event: MessageEvent<string>) => this.hear(topic, event)
    source.onmessage = heard('message')
    for (const topic of TOPICS) source.addEventListener(topic, heard(topic))
    source.addEventListener('ping', () => this.become('live', null))
    source.addEventListener('reset', (event) => {
      this.lastId = (event as MessageEvent).lastEventId || ''
      this.tell({ kind: 'reset' })
    })
  }

  close(): void {
    this.source?.close()
    this.source = null
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** What a tab that joins later must know. */
  report(): StreamMessage {
    return { kind: 'status', status: this.status, at: this.lastAt, retryAt: this.retryAt }
  }

  private hear(topic: string, event: MessageEvent<string>): void {
    if (event.lastEventId) this.lastId = event.lastEventId
    try {
      this.lastAt = Date.now()
      this.tell({ kind: 'event', topic, data: JSON.parse(event.data) as LiveEvent, at: this.lastAt })
    } catch {
      this.tell({ kind: 'reset' })
    }
  }

  private lost(): void {
    this.source?.close()
    this.source = null
    this.failures += 1
    const wait = Math.min(LONGEST_WAIT_MS, 1500 * 2 ** Math.min(this.failures, 5))
    this.become(this.failures >= FAILING_AFTER ? 'failing' : 'reconnecting', Date.now() + wait)
    this.timer = setTimeout(() => {
      this.timer = undefined
      this.open()
    }, wait)
  }

  private become(status: StreamStatus, retryAt: number | null): void {
    this.status = status
    this.retryAt = retryAt
    if (status === 'live') this.lastAt = Date.now()
    this.tell(this.report())
  }
}
