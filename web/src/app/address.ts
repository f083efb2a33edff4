/** What stands behind "?" in the address, read as it was drawn and changed as it is. */
import { useCallback } from 'react'
import { useNavigate, useSearchParams } from 'react-router'

type Change = (now: URLSearchParams) => URLSearchParams

/** A second change may come before the first has been drawn, so it starts from the address and not from the drawing. */
export function useAddress(): [URLSearchParams, (change: Change, options?: { replace?: boolean }) => void] {
  const [search] = useSearchParams()
  const navigate = useNavigate()
  const set = useCallback(
    (change: Change, options?: { replace?: boolean }) =>
      void navigate({ search: change(new URLSearchParams(window.location.search)).toString() }, options),
    [navigate],
  )
  return [search, set]
}
