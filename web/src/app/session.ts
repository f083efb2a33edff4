/** Who looks at the pages and what they may do. */
import { useQuery } from '@tanstack/react-query'
import { call } from '@/api/client'
import type { Role, Session } from '@/api/types'

const RANK: Record<Role, number> = { viewer: 0, operator: 1, editor: 2, admin: 3 }

export function useSession(): Session | undefined {
  return useQuery({
    queryKey: ['session'],
    queryFn: () => call<Session>('session'),
    staleTime: Number.POSITIVE_INFINITY,
  }).data
}

/** Whether this person may act as a role may. Until it is known, nobody may. */
export function useMay(role: Role): boolean {
  const session = useSession()
  return Boolean(session && !session.read_only && RANK[session.role] >= RANK[role])
}
