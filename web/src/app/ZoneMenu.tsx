import { Check, Globe } from 'lucide-react'
import { useState } from 'react'
import { Dialog } from '@/parts/Dialog'
import { Menu } from '@/parts/Menu'
import { isZone, type Zone, zoneName } from '@/words/times'
import { prefer, preference } from './preferences'
import { useZone } from './zone'

/** The switch of the header: local time, UTC, or a zone by name. */
export function ZoneMenu() {
  const [zone, setZone] = useZone()
  const [asking, setAsking] = useState(false)
  const named = preference<Zone>('named-zone', '')
  const entry = (value: Zone, label: string) => ({
    label: (
      <>
        <Check size={15} aria-hidden="true" visibility={zone === value ? 'visible' : 'hidden'} />
        {label}
        {zone === value && <span className="unseen"> (chosen)</span>}
      </>
    ),
    onSelect: () => setZone(value),
  })
  return (
    <>
      <Menu
        title="Times are shown in"
        trigger={
          <button
            type="button"
            className="button quiet small"
            aria-label={`Time zone: ${zone === 'local' ? 'Local' : zoneName(zone)}`}
          >
            <Globe size={16} aria-hidden="true" />
            <span className="zone-name">{zone === 'local' ? 'Local' : zoneName(zone)}</span>
          </button>
        }
        entries={[
          entry('local', `Local (${zoneName('local')})`),
          entry('utc', 'UTC'),
          ...(named && isZone(named) ? [entry(named, named)] : []),
          { label: '', line: true },
          { label: 'Another zone …', onSelect: () => setTimeout(() => setAsking(true)) },
        ]}
      />
      {asking && <ZoneDialog onClose={() => setAsking(false)} onChoose={setZone} />}
    </>
  )
}

function ZoneDialog({ onClose, onChoose }: { onClose: () => void; onChoose: (zone: Zone) => void }) {
  const [text, setText] = useState('')
  const zones = Intl.supportedValuesOf('timeZone')
  const wanted = text.toLowerCase().replaceAll(' ', '_')
  const found = zones.filter((name) => name.toLowerCase().includes(wanted)).slice(0, 8)
  const choose = (name: string) => {
    prefer('named-zone', name)
    onChoose(name)
    onClose()
  }
  return (
    <Dialog title="Show times in another zone" onClose={onClose}>
      <form
        className="stack tight"
        onSubmit={(event) => {
          event.preventDefault()
          if (found[0]) choose(found[0])
        }}
      >
        <input
          className="input"
          data-autofocus
          aria-label="Zone"
          placeholder="Europe/Berlin"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {found.map((name) => (
          <button key={name} type="button" className="button quiet" onClick={() => choose(name)}>
            {name}
          </button>
        ))}
        {found.length === 0 && <p className="muted">No zone of that name is known.</p>}
      </form>
    </Dialog>
  )
}
