/** In which zone times are shown: local, UTC or a named one; kept in the address and in the browser. */
import { useCallback } from 'react'
import { isZone, type Zone } from '@/words/times'
import { useAddress } from './address'
import { prefer, preference, usePreference } from './preferences'

export function useZone(): [Zone, (zone: Zone) => void] {
  const [search, setSearch] = useAddress()
  const [kept] = usePreference<Zone>('zone', 'local')
  const asked = search.get('tz')
  const zone = asked && isZone(asked) ? asked : isZone(kept) ? kept : 'local'
  const set = useCallback(
    (next: Zone) => {
      prefer('zone', next)
      setSearch(
        (old) => {
          old.set('tz', next)
          return old
        },
        { replace: true },
      )
    },
    [setSearch],
  )
  return [zone, set]
}

/** Local, then UTC, then the named zone that was used last. */
export function nextZone(zone: Zone): Zone {
  const named = preference<Zone>('named-zone', '')
  const round = ['local', 'utc', ...(named && isZone(named) ? [named] : [])]
  return round[(round.indexOf(zone) + 1) % round.length] ?? 'local'
}
