/** What is live: the state of the connection, and events given to the pages at most four times a second. */
import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { type Channel, openChannel } from './channel'
import { apply, forget, refetchAll } from './patches'
import type { LiveEvent, StreamMessage, StreamStatus } from './stream'

export type LiveStatus = 'live' | 'connecting' | 'paused' | 'reconnecting' | 'polling' | 'offline'

export interface LiveState {
  status: LiveStatus
  /** When data last came, in milliseconds. */
  at: number
  retryAt: number | null
}

export interface Heard {
  topic: string
  data: LiveEvent
}

const COMMIT_MS = 250
const HIDDEN_MS = 60_000
export const POLL_MS = 5_000

class Live {
  state: LiveState = { status: 'connecting', at: Date.now(), retryAt: null }
  private listeners = new Set<() => void>()
  private hearers = new Set<(events: Heard[]) => void>()
  private waiting = new Map<string, Heard>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private hidden: ReturnType<typeof setTimeout> | undefined
  private asleep = false
  private channel: Channel | null = null
  private queries: QueryClient | null = null
  private stream: StreamStatus = 'connecting'
  private paused = false
  private polling: ReturnType<typeof setInterval> | undefined

  start(queries: QueryClient): void {
    if (this.channel) return
    this.queries = queries
    this.channel = openChannel((message) => this.hear(message))
    this.channel.wake()
    document.addEventListener('visibilitychange', () => this.seen(document.visibilityState === 'visible'))
    addEventListener('online', () => this.settle())
    addEventListener('offline', () => this.settle())
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Hear events as they are committed; for pages that show more than the lists. */
  onEvents(hearer: (events: Heard[]) => void): () => void {
    this.hearers.add(hearer)
    return () => this.hearers.delete(hearer)
  }

  isPaused = (): boolean => this.paused

  toggle(): void {
    this.paused = !this.paused
    if (this.paused) forget()
    this.settle()
    if (!this.paused) this.refetch()
  }

  private refetch(): void {
    if (this.queries && !this.paused) refetchAll(this.queries)
  }

  private seen(visible: boolean): void {
    clearTimeout(this.hidden)
    if (!visible) {
      this.hidden = setTimeout(() => {
        this.asleep = true
        this.channel?.sleep()
      }, HIDDEN_MS)
    } else if (this.asleep) {
      this.asleep = false
      this.channel?.wake()
      this.refetch()
    }
  }

  private hear(message: StreamMessage): void {
    if (message.kind === 'reset') {
      this.refetch()
      return
    }
    if (message.kind === 'status') {
      const back = message.status === 'live' && (this.stream === 'reconnecting' || this.stream === 'failing')
      this.stream = message.status
      this.settle(message.at, message.retryAt)
      if (back) this.refetch()
      return
    }
    if (this.paused) return
    const key = `${message.topic}:${message.data.id ?? ''}`
    const known = this.waiting.get(key)
    if (known && (message.data.v ?? 0) < (known.data.v ?? 0)) return
    this.waiting.delete(key)
    this.waiting.set(key, { topic: message.topic, data: { ...known?.data, ...message.data } })
    this.timer ??= setTimeout(() => this.commit(message.at), COMMIT_MS)
  }

  private commit(at: number): void {
    this.timer = undefined
    const events = [...this.waiting.values()]
    this.waiting.clear()
    if (this.paused || !this.queries) return
    apply(this.queries, events)
    for (const hearer of this.hearers) hearer(events)
    this.settle(at)
  }

  private settle(at = this.state.at, retryAt = this.state.retryAt): void {
    const status = this.word()
    clearInterval(this.polling)
    this.polling = status === 'polling' ? setInterval(() => this.refetch(), POLL_MS) : undefined
    this.state = { status, at: Math.max(at, this.state.at), retryAt: status === 'reconnecting' ? retryAt : null }
    for (const listener of this.listeners) listener()
  }

  private word(): LiveStatus {
    if (this.paused) return 'paused'
    if (!navigator.onLine) return 'offline'
    return this.stream === 'failing' ? 'polling' : this.stream
  }
}

export const live = new Live()

export function useLive(): LiveState {
  return useSyncExternalStore(live.subscribe, () => live.state)
}
