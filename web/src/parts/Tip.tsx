import { Tooltip } from 'radix-ui'
import type { ReactNode } from 'react'

interface Props {
  text: ReactNode
  children: ReactNode
}

/** A short explanation on hover and focus. */
export function Tip({ text, children }: Props) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tip" sideOffset={6} collisionPadding={8}>
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
