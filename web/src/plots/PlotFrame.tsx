import { Download } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { csvCell } from '@/parts/csv'
import { download } from '@/parts/download'

interface Props {
  legend: ReactNode
  /** The same as a table, for whoever cannot see the drawing. */
  table: ReactNode
  /** Head and rows of the file that can be taken away. */
  csv: () => (string | number | null)[][]
  name: string
  children: ReactNode
}

/** What every plot has: what its colours mean, the same as a table, and as a file. */
export function PlotFrame({ legend, table, csv, name, children }: Props) {
  const [asTable, setAsTable] = useState(false)
  const take = () =>
    download(`${name}.csv`, 'text/csv', [
      `${csv()
        .map((cells) => cells.map(csvCell).join(','))
        .join('\r\n')}\r\n`,
    ])
  return (
    <div className="stack tight">
      <div className="row spread">
        <div className="row legend small muted">{legend}</div>
        <div className="row">
          <button type="button" className="button small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
            {asTable ? 'Show as plot' : 'Show as table'}
          </button>
          <button
            type="button"
            className="button small quiet icon"
            aria-label={`${name} as CSV`}
            title="As CSV"
            onClick={take}
          >
            <Download size={15} aria-hidden="true" />
          </button>
        </div>
      </div>
      {asTable ? table : children}
    </div>
  )
}
