/** The title of the tab: how many questions wait, and what is shown. */
import { useEffect } from 'react'

let waiting = 0
let shown = 'onward'

function draw(): void {
  document.title = waiting > 0 ? `(${waiting}) ${shown}` : shown
}

export function useTabTitle(count: number): void {
  useEffect(() => {
    waiting = count
    draw()
  }, [count])
}

export function useTitle(title: string): void {
  useEffect(() => {
    shown = title ? `${title} · onward` : 'onward'
    draw()
  }, [title])
}
