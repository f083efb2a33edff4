import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from '@/api/client'
import { Bones } from './Loading'
import { ProblemNote } from './Note'
import { Time } from './Time'

interface Props<T> {
  query: Pick<UseQueryResult<T>, 'data' | 'error' | 'isPending' | 'refetch' | 'dataUpdatedAt' | 'isFetching'>
  rows?: number
  children: (data: T) => ReactNode
}

/** The states of every view: loading, there, and failed with the last good data greyed and its age. */
export function View<T>({ query, rows = 5, children }: Props<T>) {
  const { data, error, isPending, refetch, dataUpdatedAt, isFetching } = query
  if (isPending) return <Bones rows={rows} />
  const problem = error ? asProblem(error) : null
  return (
    <>
      {problem && (
        <ProblemNote problem={problem}>
          <div className="row">
            <button type="button" className="button small" disabled={isFetching} onClick={() => void refetch()}>
              Try again
            </button>
            {data !== undefined && (
              <span className="muted">
                Shown below is what was true <Time at={new Date(dataUpdatedAt).toISOString()} />.
              </span>
            )}
          </div>
        </ProblemNote>
      )}
      {data !== undefined && (problem ? <div className="stale">{children(data)}</div> : children(data))}
    </>
  )
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const text = error instanceof Error ? error.message : String(error)
  return new Problem({ title: 'This page has a fault', detail: text, status: 0, code: 'page-fault' })
}
