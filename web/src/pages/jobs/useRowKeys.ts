/** Going over rows by keys: j and k move, Enter opens, x selects, a full stop opens the menu. */
import { useMemo, useState } from 'react'
import { useKeys } from '@/app/keys'

const OPEN = 'Enter'

interface Acts<T> {
  open: (row: T) => void
  select?: (row: T) => void
  enabled: boolean
}

export function useRowKeys<T extends { id: string }>(
  rows: T[],
  { open, select, enabled }: Acts<T>,
): string | undefined {
  const [active, setActive] = useState<string>()
  const at = rows.findIndex((row) => row.id === active)
  const keys = useMemo((): Record<string, (event: KeyboardEvent) => void> => {
    if (!enabled) return {}
    const move = (step: number) => {
      const next = rows[Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step))]
      if (!next) return
      setActive(next.id)
      document.querySelector(`tr[data-key="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: 'nearest' })
    }
    const row = rows[at]
    return {
      j: () => move(1),
      k: () => move(-1),
      [OPEN]: (event: KeyboardEvent) => {
        const target = event.target as HTMLElement
        if (row && !target.closest('a, button, input, summary')) open(row)
        else if (target.closest('a, button, summary')) (target.closest('a, button, summary') as HTMLElement).click()
      },
      x: () => {
        if (row) select?.(row)
      },
      '.': () => {
        const button =
          row && document.querySelector<HTMLElement>(`tr[data-key="${CSS.escape(row.id)}"] [data-row-menu]`)
        button?.focus()
        button?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
      },
    }
  }, [rows, at, open, select, enabled])
  useKeys(keys)
  return active
}
