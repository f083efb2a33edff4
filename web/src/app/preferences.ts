/** What a person has chosen in this browser: theme, zone, columns, shortcuts. */
import { useSyncExternalStore } from 'react'

const PREFIX = 'onward.'
const listeners = new Set<() => void>()
const known = new Map<string, unknown>()

export function preference<T>(name: string, fallback: T): T {
  if (!known.has(name)) {
    let value: unknown = fallback
    try {
      const text = localStorage.getItem(PREFIX + name)
      if (text !== null) value = name === 'theme' ? text : JSON.parse(text)
    } catch {
      // A value that cannot be read is as good as none.
    }
    known.set(name, value)
  }
  return known.get(name) as T
}

export function prefer(name: string, value: unknown): void {
  known.set(name, value)
  try {
    localStorage.setItem(PREFIX + name, name === 'theme' ? String(value) : JSON.stringify(value))
  } catch {
    // Without storage the choice lives as long as the page.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function usePreference<T>(name: string, fallback: T): [T, (value: T) => void] {
  const value = useSyncExternalStore(subscribe, () => preference(name, fallback))
  return [value, (next) => prefer(name, next)]
}

export type Theme = 'system' | 'light' | 'dark'

export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  prefer('theme', theme)
}
