import { Tabs as Primitive } from 'radix-ui'
import type { ReactNode } from 'react'

export interface TabEntry {
  name: string
  label: string
  count?: number | undefined
  content: () => ReactNode
}

interface Props {
  label: string
  value: string
  onChange: (name: string) => void
  tabs: TabEntry[]
}

/** Tabs; only the one that is shown is drawn, so none shows the rows of another. */
export function Tabs({ label, value, onChange, tabs }: Props) {
  const current = tabs.some((tab) => tab.name === value) ? value : (tabs[0]?.name ?? '')
  return (
    <Primitive.Root value={current} onValueChange={onChange} activationMode="manual">
      <Primitive.List className="tabs" aria-label={label}>
        {tabs.map((tab) => (
          <Primitive.Trigger key={tab.name} className="tab" value={tab.name}>
            {tab.label}
            {tab.count !== undefined && tab.count > 0 && <span className="count">{tab.count}</span>}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map((tab) => (
        <Primitive.Content key={tab.name} value={tab.name} className="tab-body">
          {tab.name === current && tab.content()}
        </Primitive.Content>
      ))}
    </Primitive.Root>
  )
}
