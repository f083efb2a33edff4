/** The chain under the hands: undo and redo over a hundred steps, and a draft that outlives the page. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { EMPTY, isSame, type Plan } from './plan'

const STEPS = 100
const SAME_EDIT_MS = 1_500

interface History {
  past: Plan[]
  now: Plan
  future: Plan[]
}

interface Kept {
  plan: Plan
  version: number | null
  at: string
}

export interface Draft {
  plan: Plan
  /** Change the plan; edits of one thing in quick succession are one step. */
  change: (next: Plan | ((plan: Plan) => Plan), thing?: string) => void
  undo: (() => void) | null
  redo: (() => void) | null
  isChanged: boolean
  /** When the draft was kept in this browser. */
  keptAt: string | null
  /** The version that the draft was made from, if another one is saved by now. */
  staleFrom: number | null
  /** Take the saved chain, whatever was drawn. */
  reset: (plan: Plan) => void
  forget: () => void
}

const place = (name: string) => `onward:chain:${name}`

function kept(name: string): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(place(name)) ?? 'null') as Kept | null
  } catch {
    return null
  }
}

export function useDraft(name: string, saved: Plan, version: number | null): Draft {
  const found = useMemo(() => kept(name), [name])
  const [history, setHistory] = useState<History>({ past: [], now: found?.plan ?? saved, future: [] })
  const [base, setBase] = useState(saved)
  const [basedOn, setBasedOn] = useState(found ? found.version : version)
  const [keptAt, setKeptAt] = useState<string | null>(found?.at ?? null)
  const edit = useRef({ thing: '', at: 0 })

  const change = useCallback<Draft['change']>((next, thing = '') => {
    setHistory((old) => {
      const plan = typeof next === 'function' ? next(old.now) : next
      if (plan === old.now) return old
      const isSameEdit = thing !== '' && thing === edit.current.thing && Date.now() - edit.current.at < SAME_EDIT_MS
      edit.current = { thing, at: Date.now() }
      return { past: isSameEdit ? old.past : [...old.past, old.now].slice(-STEPS), now: plan, future: [] }
    })
  }, [])

  const undo = useCallback(() => {
    edit.current.thing = ''
    setHistory((old) => {
      const before = old.past.at(-1)
      return before ? { past: old.past.slice(0, -1), now: before, future: [old.now, ...old.future] } : old
    })
  }, [])

  const redo = useCallback(() => {
    edit.current.thing = ''
    setHistory((old) => {
      const [after, ...rest] = old.future
      return after ? { past: [...old.past, old.now], now: after, future: rest } : old
    })
  }, [])

  const isChanged = !isSame(history.now, base)

  useEffect(() => {
    const at = new Date().toISOString()
    try {
      if (isChanged) localStorage.setItem(place(name), JSON.stringify({ plan: history.now, version: basedOn, at }))
      else localStorage.removeItem(place(name))
      setKeptAt(isChanged ? at : null)
    } catch {
      // A browser that keeps nothing: the label that says "kept" stays away.
      setKeptAt(null)
    }
  }, [name, history.now, isChanged, basedOn])

  const reset = useCallback(
    (plan: Plan) => {
      setHistory({ past: [], now: plan, future: [] })
      setBase(plan)
      setBasedOn(version)
    },
    [version],
  )
  const forget = useCallback(() => localStorage.removeItem(place(name)), [name])
  return {
    plan: history.now,
    change,
    undo: history.past.length ? undo : null,
    redo: history.future.length ? redo : null,
    isChanged,
    keptAt,
    staleFrom: isChanged && version !== null && basedOn !== null && basedOn !== version ? basedOn : null,
    reset,
    forget,
  }
}

export { EMPTY }
