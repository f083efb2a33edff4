import { BigNumber } from '@/api/client'
import type { Json } from '@/api/types'
import { plural } from '@/words/numbers'

/** JSON to look at: parts fold, texts stay texts whatever they hold, big whole numbers stay exact. */
export function JsonView({ value, label }: { value: Json; label: string }) {
  return (
    <section className="json" aria-label={label} tabIndex={0}>
      <Node value={value} open />
    </section>
  )
}

function Node({ value, name, open = false }: { value: Json | BigNumber; name?: string; open?: boolean }) {
  const key = name !== undefined && <span className="key">{name}: </span>
  if (value === null || typeof value !== 'object' || value instanceof BigNumber) {
    return (
      <div>
        {key}
        {typeof value === 'string' ? (
          <span className="text">{JSON.stringify(value)}</span>
        ) : (
          <span className="value">{String(value)}</span>
        )}
      </div>
    )
  }
  const entries = Array.isArray(value) ? value.map((item, at) => [String(at), item] as const) : Object.entries(value)
  const size = Array.isArray(value) ? plural(entries.length, 'entry', 'entries') : plural(entries.length, 'field')
  if (entries.length === 0) {
    return (
      <div>
        {key}
        <span className="muted">{Array.isArray(value) ? '[]' : '{}'}</span>
      </div>
    )
  }
  return (
    <details open={open}>
      <summary>
        {key}
        <span className="muted">{size}</span>
      </summary>
      <div>
        {entries.map(([field, item]) => (
          <Node key={field} name={field} value={item} open={entries.length < 20} />
        ))}
      </div>
    </details>
  )
}
