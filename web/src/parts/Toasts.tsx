import { Toast } from 'radix-ui'
import { useSyncExternalStore } from 'react'

interface Message {
  id: number
  text: string
  undo?: (() => void) | undefined
  open: boolean
}

let messages: Message[] = []
let last = 0
const listeners = new Set<() => void>()

function tell(next: Message[]): void {
  messages = next
  for (const listener of listeners) listener()
}

/** Say what has happened; what can be undone can be undone for ten seconds. */
export function toast(text: string, undo?: () => void): void {
  last += 1
  tell([...messages.slice(-2), { id: last, text, undo, open: true }])
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => messages)
  const close = (id: number) => tell(messages.filter((message) => message.id !== id))
  return (
    <Toast.Provider swipeDirection="down" label="Message">
      {shown.map((message) => (
        <Toast.Root
          key={message.id}
          className="toast"
          open={message.open}
          duration={message.undo ? 10_000 : 5_000}
          onOpenChange={(open) => !open && close(message.id)}
        >
          <Toast.Description asChild>
            <div>{message.text}</div>
          </Toast.Description>
          {message.undo && (
            <Toast.Action altText="Undo" onClick={message.undo}>
              Undo
            </Toast.Action>
          )}
          <Toast.Close aria-label="Close message">×</Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="toasts" label="Messages ({hotkey})" />
    </Toast.Provider>
  )
}
