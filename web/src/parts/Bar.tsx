import { count, percent } from '@/words/numbers'
import { stateWords } from '@/words/states'

interface Props {
  value: number | null | undefined
  label: string
  state?: string | undefined
  large?: boolean
}

/** A bar. Without a known percent it moves instead of showing a number that nobody knows. */
export function Bar({ value, label, state = 'running', large = false }: Props) {
  const known = value !== null && value !== undefined
  const moving = !known && state === 'running'
  const shown = known ? Math.min(100, Math.max(0, Math.floor(value))) : undefined
  return (
    <span
      className={large ? 'bar large' : 'bar'}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={shown}
      aria-valuetext={known ? percent(value) : 'how far is not known'}
      data-tone={stateWords(state).tone}
      data-unknown={moving}
    >
      {(known || moving) && <span style={known ? { width: `${Math.min(100, Math.max(0, value))}%` } : undefined} />}
    </span>
  )
}

interface AmountProps {
  percent: number | null
  done: number | null
  total: number | null
}

/** "45%", or what has been done where the whole is not known. */
export function amount({ percent: value, done, total }: AmountProps): string {
  if (total === null && done !== null && (value === null || value === 0)) return `${count(done)} done`
  return percent(value ?? 0)
}
