import { useMay, useSession } from '@/app/session'
import { Note } from './Note'

/** Whether the server hides from this person what jobs are given and make. */
export function useIsHidden(): boolean {
  const isKnown = useSession() !== undefined
  const may = useMay('operator')
  return isKnown && !may
}

/** Says to viewers why they see `***`; nothing to anybody else. */
export function ForOperators({ what }: { what: string }) {
  return useIsHidden() ? <Note>{what} is shown to operators and above.</Note> : null
}
