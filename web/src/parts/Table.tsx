import type { ReactNode } from 'react'

export interface Column<T> {
  name: string
  label: string
  cell: (row: T) => ReactNode
  /** "number" stands to the right, "wide" takes the room that is left. */
  kind?: 'number' | 'wide'
}

interface Props<T> {
  label: string
  rows: T[]
  columns: Column<T>[]
  rowKey: (row: T) => string
  active?: string | undefined
  selected?: ReadonlySet<string>
  onSelect?: (keys: string[], on: boolean) => void
  rowName?: (row: T) => string
  menu?: (row: T) => ReactNode
}

/** A real table: a row can be picked by a box, has a menu, and is marked while keys move over it. */
export function Table<T>(props: Props<T>) {
  const { label, rows, columns, rowKey, active, selected, onSelect, rowName, menu } = props
  const keys = rows.map(rowKey)
  const picked = selected ? keys.filter((key) => selected.has(key)).length : 0
  return (
    <section className="table-wrap" aria-label={label} tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            {onSelect && (
              <th className="check">
                <input
                  type="checkbox"
                  aria-label="Select all loaded rows"
                  checked={picked > 0 && picked === keys.length}
                  ref={(box) => {
                    if (box) box.indeterminate = picked > 0 && picked < keys.length
                  }}
                  onChange={(event) => onSelect(keys, event.target.checked)}
                />
              </th>
            )}
            {columns.map((column) => (
              <th key={column.name} scope="col" className={column.kind}>
                {column.label}
              </th>
            ))}
            {menu && (
              <th className="menu-cell">
                <span className="unseen">What can be done</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = rowKey(row)
            return (
              <tr key={key} data-key={key} data-active={active === key} data-selected={selected?.has(key)}>
                {onSelect && (
                  <td className="check">
                    <input
                      type="checkbox"
                      aria-label={`Select ${rowName?.(row) ?? key}`}
                      checked={selected?.has(key) ?? false}
                      onChange={(event) => onSelect([key], event.target.checked)}
                    />
                  </td>
                )}
                {columns.map((column) => (
                  <td key={column.name} className={column.kind}>
                    {column.cell(row)}
                  </td>
                ))}
                {menu && <td className="menu-cell">{menu(row)}</td>}
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
