import type { ReactNode } from 'react'
import { useTitle } from '@/app/title'

interface Props {
  title: string
  lead?: ReactNode
  children?: ReactNode
}

/** The head of a page: its name, a line about it, and what can be done. */
export function PageHead({ title, lead, children }: Props) {
  useTitle(title)
  return (
    <div className="page-head">
      <div>
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
      </div>
      {children && <div className="row">{children}</div>}
    </div>
  )
}
