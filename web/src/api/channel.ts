/** How a tab reaches the one connection: by a shared worker, else by a lock that one tab holds and a broadcast. */
import { address } from './client'
import { EventStream, type StreamMessage } from './stream'

export interface Channel {
  wake(): void
  sleep(): void
}

export function openChannel(hear: (message: StreamMessage) => void): Channel {
  const url = address('events')
  if (typeof SharedWorker !== 'undefined') {
    try {
      return byWorker(url, hear)
    } catch {
      // Some browsers have the name but refuse the worker; the lock does the same.
    }
  }
  return byLock(url, hear)
}

function byWorker(url: string, hear: (message: StreamMessage) => void): Channel {
  const worker = new SharedWorker(new URL('./stream.worker.ts', import.meta.url), { type: 'module', name: 'onward' })
  worker.port.onmessage = (event: MessageEvent<StreamMessage>) => hear(event.data)
  worker.port.start()
  addEventListener('pagehide', () => worker.port.postMessage({ kind: 'bye' }))
  addEventListener('pageshow', (event) => event.persisted && worker.port.postMessage({ kind: 'wake', url }))
  return {
    wake: () => worker.port.postMessage({ kind: 'wake', url }),
    sleep: () => worker.port.postMessage({ kind: 'sleep' }),
  }
}

function byLock(url: string, hear: (message: StreamMessage) => void): Channel {
  const others = new BroadcastChannel('onward-events')
  others.onmessage = (event: MessageEvent<StreamMessage>) => hear(event.data)
  const stream = new EventStream(url, (message) => {
    hear(message)
    others.postMessage(message)
  })
  let letGo: (() => void) | null = null
  const lead = () =>
    new Promise<void>((done) => {
      stream.open()
      letGo = () => {
        stream.close()
        letGo = null
        done()
      }
    })
  return {
    wake: () => {
      if (letGo) stream.open()
      else if (navigator.locks) void navigator.locks.request('onward-events', lead)
      else void lead()
    },
    sleep: () => letGo?.(),
  }
}
