import { X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { type ReactNode, useEffect, useRef } from 'react'

interface Props {
  title: ReactNode
  onClose: () => void
  children: ReactNode
  description?: ReactNode
  /** An alert dialog is about a decision; a press beside it does not close it. */
  alert?: boolean
  wide?: boolean
}

let openDialogs = 0
let opener: HTMLElement | null = null

/** What had the focus before the first of the dialogs that follow each other. */
function noteOpener(): void {
  const active = document.activeElement
  if (openDialogs === 0 && active instanceof HTMLElement && active !== document.body) opener = active
}

/** While a dialog is open, what lies behind it can be neither reached nor read. */
function useInertBehind(): void {
  useEffect(() => {
    const behind = document.getElementById('root')
    openDialogs += 1
    if (behind) behind.inert = true
    return () => {
      openDialogs -= 1
      setTimeout(() => {
        if (openDialogs > 0 || !behind) return
        behind.inert = false
        if (opener?.isConnected && document.activeElement === document.body) opener.focus()
      })
    }
  }, [])
}

/** A dialog. Focus is kept inside and goes back to the opener; Escape closes. Nothing that is live can close it. */
export function Dialog({ title, onClose, children, description, alert = false, wide = false }: Props) {
  const content = useRef<HTMLDivElement>(null)
  const noted = useRef(false)
  if (!noted.current) {
    noted.current = true
    noteOpener()
  }
  useInertBehind()
  return (
    <Primitive.Root open onOpenChange={(open) => !open && onClose()}>
      <Primitive.Portal>
        <div className="veil" />
        <Primitive.Content
          ref={content}
          className={wide ? 'dialog wide' : 'dialog'}
          role={alert ? 'alertdialog' : 'dialog'}
          data-modal="true"
          aria-describedby={description ? undefined : ''}
          onInteractOutside={(event) => {
            // A message is not "outside": undoing or closing it leaves the dialog alone.
            const target = event.target as Element | null
            if (alert || target?.closest('.toasts')) event.preventDefault()
          }}
          onCloseAutoFocus={(event) => event.preventDefault()}
          onOpenAutoFocus={(event) => {
            const first = content.current?.querySelector<HTMLElement>('[data-autofocus]')
            if (first) {
              event.preventDefault()
              first.focus()
            }
          }}
        >
          <div className="dialog-head">
            <Primitive.Title asChild>
              <h2>{title}</h2>
            </Primitive.Title>
            <Primitive.Close className="button quiet icon" aria-label="Close">
              <X size={18} aria-hidden="true" />
            </Primitive.Close>
          </div>
          {description && (
            <Primitive.Description asChild>
              <div className="muted">{description}</div>
            </Primitive.Description>
          )}
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  )
}
