import { Inbox, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

interface Props {
  title: string
  children?: ReactNode
  icon?: LucideIcon
}

/** A view without anything in it: why, and what would fill it. */
export function Empty({ title, children, icon: Icon = Inbox }: Props) {
  return (
    <div className="empty">
      <Icon aria-hidden="true" />
      <h3>{title}</h3>
      {children}
    </div>
  )
}
