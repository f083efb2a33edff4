import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { call } from '@/api/client'
import type { ChainRecord, JobType } from '@/api/types'
import { View } from '@/parts/View'
import { Workbench } from './Workbench'

const NEW: ChainRecord = {
  name: '',
  label: '',
  description: '',
  origin: 'saved',
  version: null,
  updated_at: null,
  updated_by: null,
  aliases: [],
  phases: [],
}

/** The chain builder: a new chain, a saved one, or one of the application to look at and run. */
export function Builder() {
  const { name = '' } = useParams()
  const [search] = useSearchParams()
  const navigate = useNavigate()
  const isNew = name === 'new'
  const from = isNew ? (search.get('from') ?? '') : name
  const types = useQuery({ queryKey: ['job-types'], queryFn: () => call<JobType[]>('job-types'), staleTime: 60_000 })
  const chain = useQuery({
    queryKey: ['chain', from],
    queryFn: () => (from ? call<ChainRecord>(`chains/${encodeURIComponent(from)}`) : Promise.resolve(NEW)),
    refetchOnWindowFocus: false,
  })
  const [saves, setSaves] = useState(0)
  const shown = useMemo<ChainRecord | undefined>(() => {
    if (!chain.data || !isNew) return chain.data
    const { label } = chain.data
    return { ...chain.data, name: '', origin: 'saved', version: null, label: label && `${label} (copy)` }
  }, [chain.data, isNew])
  return (
    <View query={types} rows={8}>
      {(all) => (
        <View query={chain} rows={8}>
          {() =>
            shown && (
              <Workbench
                key={`${name}?${from}#${saves}`}
                chain={shown}
                types={all}
                onSaved={(saved) => {
                  setSaves(saves + 1)
                  void navigate(`/chains/${encodeURIComponent(saved.name)}`, { replace: true })
                }}
              />
            )
          }
        </View>
      )}
    </View>
  )
}
