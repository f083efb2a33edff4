/** Who looks at the pages and what they may do. */
import { useQuery } from '@tanstack/react-query'
import { call, Problem } from '@/api/client'
import type { Role, Session } from '@/api/types'
import { type NavPage, PAGES } from './navigation'

const RANK: Record<Role, number> = { viewer: 0, operator: 1, editor: 2, admin: 3 }

const SESSION = {
  queryKey: ['session'],
  queryFn: () => call<Session>('session'),
  staleTime: Number.POSITIVE_INFINITY,
}

export function useSession(): Session | undefined {
  return useQuery(SESSION).data
}

/** Whether somebody is let in: not known yet, yes, or why not without signing in. */
export function useDoor(): 'unknown' | 'open' | Problem {
  const { error, isPending } = useQuery(SESSION)
  if (error instanceof Problem && error.status === 401) return error
  return isPending ? 'unknown' : 'open'
}

/** Forget the key, here and in the cookie. */
export async function signOut(): Promise<void> {
  await call('session', { method: 'DELETE' })
  location.reload()
}

/** Whether this person may act as a role may. Until it is known, nobody may. */
export function useMay(role: Role): boolean {
  const session = useSession()
  return Boolean(session && !session.read_only && RANK[session.role] >= RANK[role])
}

/** Whether this person may see only some jobs. */
export function useLimited(): boolean {
  const session = useSession()
  return Boolean(session && Object.keys(session.limits).length > 0)
}

/** The pages that are for this person. */
export function usePages(): NavPage[] {
  const limited = useLimited()
  return limited ? PAGES.filter((page) => !page.whole) : PAGES
}
