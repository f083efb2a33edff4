import { type ComponentProps, type ReactNode, useId } from 'react'

interface Props extends Omit<ComponentProps<'input'>, 'id' | 'className' | 'value' | 'onChange'> {
  label: ReactNode
  value: string
  onChange: (value: string) => void
  /** What may be left empty says so beside its label. */
  optional?: boolean
  hint?: ReactNode
  /** For names and code. */
  mono?: boolean
}

/** One line of text, or a number or a time, with its label. */
export function TextField({ label, value, onChange, optional = false, hint, mono = false, ...input }: Props) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {optional && <span className="muted"> (optional)</span>}
      </label>
      <input
        {...input}
        id={id}
        className={mono ? 'input mono' : 'input'}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint && <span className="hint">{hint}</span>}
    </div>
  )
}
