/** A word from the browser when a job asks something while nobody looks at the page; only for who wants it. */
import { useEffect } from 'react'
import { live } from '@/api/live'
import { prefer, usePreference } from './preferences'

const NAME = 'notify'

/** "no" where the browser cannot or was told not to. */
export function useNotify(): ['no' | 'off' | 'on', (on: boolean) => Promise<void>] {
  const [wanted] = usePreference(NAME, false)
  const can = 'Notification' in window && window.isSecureContext && Notification.permission !== 'denied'
  const set = async (on: boolean) => {
    const isAllowed = on && (await Notification.requestPermission()) === 'granted'
    prefer(NAME, isAllowed)
  }
  if (!can) return ['no', set]
  return [wanted && Notification.permission === 'granted' ? 'on' : 'off', set]
}

export function useQuestionsTold(): void {
  const [state] = useNotify()
  useEffect(() => {
    if (state !== 'on') return
    return live.onEvents((events) => {
      const asked = events.filter(({ topic, data }) => topic === 'inputs' && data.state === 'open')
      if (asked.length === 0 || document.visibilityState === 'visible') return
      new Notification('A job waits for you', { tag: 'onward-inputs' }).onclick = () => window.focus()
    })
  }, [state])
}
