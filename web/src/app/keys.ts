/** Keys for everything, none of which destroys anything. Keys of one letter can be turned off. */
import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { live } from '@/api/live'
import { PAGES } from './navigation'
import { preference, setTheme, type Theme } from './preferences'
import { nextZone, useZone } from './zone'

const AFTER_G_MS = 3_000

/** Whether a key is meant for what has the focus, or for an open dialog. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null
  if (!target || event.defaultPrevented) return true
  return Boolean(
    target.closest(
      'input:not([type="checkbox"]), textarea, select, [contenteditable="true"], [role="dialog"], [role="alertdialog"], [role="menu"]',
    ),
  )
}

export function areLettersOn(): boolean {
  return preference('shortcuts', true)
}

/** One key for one thing on this page; not while somebody types. */
export function useKeys(keys: Record<string, (event: KeyboardEvent) => void>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return
      if (event.key.length === 1 && !areLettersOn()) return
      const act = keys[event.key]
      if (act) {
        event.preventDefault()
        act(event)
      }
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [keys])
}

let afterG = Number.NEGATIVE_INFINITY

/** Whether "g" was pressed a moment before this key, so that it names a page. Times are those of the presses: a page that
 * is busy in between takes nothing away. */
function isAfterG(event: KeyboardEvent): boolean {
  return event.timeStamp - afterG < AFTER_G_MS
}

export function usePageKeys({ palette, help }: { palette: () => void; help: () => void }): void {
  const navigate = useNavigate()
  const [zone, setZone] = useZone()
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        palette()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !areLettersOn()) return
      if (isAfterG(event)) {
        afterG = Number.NEGATIVE_INFINITY
        const page = PAGES.find((found) => found.key === event.key)
        if (page) {
          event.preventDefault()
          event.stopImmediatePropagation()
          void navigate(page.path)
        }
        return
      }
      const act: Record<string, () => void> = {
        g: () => {
          afterG = event.timeStamp
        },
        '?': help,
        l: () => live.toggle(),
        z: () => setZone(nextZone(zone)),
        t: nextTheme,
        '/': () => {
          const field = document.querySelector<HTMLInputElement>('[data-filter]')
          if (field) field.focus()
          else palette()
        },
      }
      if (act[event.key]) {
        event.preventDefault()
        act[event.key]?.()
      }
    }
    addEventListener('keydown', press, true)
    return () => removeEventListener('keydown', press, true)
  }, [navigate, palette, help, zone, setZone])
}

export function nextTheme(): void {
  const round: Theme[] = ['system', 'light', 'dark']
  setTheme(round[(round.indexOf(preference<Theme>('theme', 'system')) + 1) % round.length] ?? 'system')
}
