import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Problem } from '@/api/client'
import type { Tone } from '@/words/states'
import { CopyButton } from './Copy'

const ICONS: Partial<Record<Tone, typeof Info>> = { red: CircleAlert, amber: TriangleAlert }

export function Note({
  tone = 'blue',
  children,
  role,
}: {
  tone?: Tone
  children: ReactNode
  role?: 'alert' | 'status'
}) {
  const Icon = ICONS[tone] ?? Info
  return (
    <div className="note" data-tone={tone} role={role}>
      <Icon size={16} aria-hidden="true" />
      <div>{children}</div>
    </div>
  )
}

/** What went wrong, what can be done, and the number under which the server has it in its log. */
export function ProblemNote({ problem, children }: { problem: Problem; children?: ReactNode }) {
  const { detail, title, hint, request_id: request, errors } = problem.record
  return (
    <Note tone="red" role="alert">
      <strong>{title}</strong>
      {detail && detail !== title && <div>{detail}</div>}
      {errors && errors.length > 0 && (
        <ul>
          {errors.map((error) => (
            <li key={`${error.pointer}${error.message}`}>
              {error.pointer && <code>{error.pointer}</code>} {error.message}
            </li>
          ))}
        </ul>
      )}
      {hint && <div className="muted">{hint}</div>}
      {request && (
        <div className="row muted">
          <small>
            Request <code>{request}</code>
          </small>
          <CopyButton text={request} label="Request id" />
        </div>
      )}
      {children}
    </Note>
  )
}
