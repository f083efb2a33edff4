import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'

export interface MenuEntry {
  label: ReactNode
  /** Why it cannot be chosen now. */
  why?: string | null | undefined
  onSelect?: () => void
  line?: boolean
}

interface Props {
  trigger: ReactNode
  entries: MenuEntry[]
  title?: string
  align?: 'start' | 'end'
  /** It has been opened: what it lists may be fetched now. */
  onOpen?: () => void
}

/** A menu of what can be done; what cannot says why. */
export function Menu({ trigger, entries, title, align = 'end', onOpen }: Props) {
  return (
    <DropdownMenu.Root modal={false} onOpenChange={(open) => open && onOpen?.()}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={align} sideOffset={4} collisionPadding={8} loop>
          {title && <DropdownMenu.Label className="menu-title">{title}</DropdownMenu.Label>}
          {entries.map((entry, at) =>
            entry.line ? (
              <DropdownMenu.Separator key={at} className="menu-line" />
            ) : (
              <DropdownMenu.Item
                key={at}
                className="menu-item"
                disabled={Boolean(entry.why)}
                onSelect={() => entry.onSelect?.()}
              >
                {entry.label}
                {entry.why && <span className="why">{entry.why}</span>}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
