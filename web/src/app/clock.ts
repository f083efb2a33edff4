/** The page's clock: one tick a second for everything that shows an age. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  if (!timer) {
    now = Date.now()
    timer = setInterval(() => {
      now = Date.now()
      for (const told of listeners) told()
    }, 1000)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The time in milliseconds, rounded to steps so that what shows minutes is not drawn each second. */
export function useNow(stepSeconds = 1): number {
  const step = stepSeconds * 1000
  return useSyncExternalStore(subscribe, () => now - (now % step))
}
