/** Something done at once: said when it is done, and said why when it is refused. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'

export function useAct(...stale: string[]) {
  const queries = useQueryClient()
  const keys = stale.join(' ')
  return useCallback(
    async (what: () => Promise<unknown>, said: string, undo?: () => void) => {
      try {
        await what()
        toast(said, undo)
      } catch (error) {
        const problem = asProblem(error)
        toast([problem.message, problem.record.hint].filter(Boolean).join(' '))
      }
      for (const key of keys.split(' ')) void queries.invalidateQueries({ queryKey: [key] })
    },
    [queries, keys],
  )
}
