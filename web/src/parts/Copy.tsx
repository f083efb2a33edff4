import { Check, Copy as CopyIcon } from 'lucide-react'
import { useState } from 'react'
import { toast } from './Toasts'

/** Copies, also on plain HTTP where the clipboard's interface is not there. */
export async function copy(text: string, said = 'Copied'): Promise<boolean> {
  const done = (await byClipboard(text)) || bySelection(text)
  toast(done ? said : `Could not copy. The text is: ${text}`)
  return done
}

async function byClipboard(text: string): Promise<boolean> {
  if (!navigator.clipboard || !window.isSecureContext) return false
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}

function bySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'unseen'
  area.setAttribute('readonly', '')
  // Inside an open dialog only what lies in it can be selected.
  const dialogs = document.querySelectorAll('[role="dialog"], [role="alertdialog"]')
  const place = dialogs[dialogs.length - 1] ?? document.body
  const focused = document.activeElement
  place.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}

interface Props {
  text: string
  label: string
  children?: string
}

export function CopyButton({ text, label, children }: Props) {
  const [done, setDone] = useState(false)
  const press = async () => {
    if (!(await copy(text, `${label}: copied`))) return
    setDone(true)
    setTimeout(() => setDone(false), 1500)
  }
  const Icon = done ? Check : CopyIcon
  return (
    <button
      type="button"
      className={children ? 'button small quiet' : 'button small quiet icon'}
      aria-label={`Copy ${label.toLowerCase()}`}
      title={`Copy ${label.toLowerCase()}`}
      onClick={() => void press()}
    >
      <Icon size={15} aria-hidden="true" />
      {children}
    </button>
  )
}

/** A command or program to copy. */
export function Code({ text, label = 'Command' }: { text: string; label?: string }) {
  return (
    <div className="code">
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} label={label} />
    </div>
  )
}
