import { MoreHorizontal } from 'lucide-react'
import { type ComponentProps, forwardRef } from 'react'

/** The three dots that open a menu. */
export const MoreButton = forwardRef<HTMLButtonElement, { label: string } & ComponentProps<'button'>>(
  function MoreButton({ label, ...rest }, ref) {
    return (
      <button ref={ref} type="button" className="button small quiet icon" aria-label={label} {...rest}>
        <MoreHorizontal size={16} aria-hidden="true" />
      </button>
    )
  },
)
