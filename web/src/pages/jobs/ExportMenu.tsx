import { Download } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Problem } from '@/api/client'
import { Dialog } from '@/parts/Dialog'
import { download } from '@/parts/download'
import { Menu } from '@/parts/Menu'
import { ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem } from '@/parts/View'
import { count, plural } from '@/words/numbers'
import { type Form, linesOf, MOST } from './export'

const TYPES: Record<Form, string> = { csv: 'text/csv', jsonl: 'application/jsonl' }

/** What the filter matches, as a file. */
export function ExportMenu({ filter }: { filter: Record<string, string> }) {
  const [form, setForm] = useState<Form | null>(null)
  return (
    <>
      <Menu
        trigger={
          <button type="button" className="button">
            <Download size={15} aria-hidden="true" /> Export
          </button>
        }
        entries={[
          { label: 'CSV, for tables', onSelect: () => setForm('csv') },
          { label: 'JSON, a line for each job', onSelect: () => setForm('jsonl') },
        ]}
      />
      {form && <Export form={form} filter={filter} onClose={() => setForm(null)} />}
    </>
  )
}

interface Props {
  form: Form
  filter: Record<string, string>
  onClose: () => void
}

/** Reads page after page, says how far it is, and can be stopped; the set is that of the moment at which it began. */
function Export({ form, filter, onClose }: Props) {
  const [asked] = useState({ form, filter })
  const [number, setNumber] = useState(0)
  const [problem, setProblem] = useState<Problem | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is read once, and stopped by closing
  useEffect(() => {
    const stop = new AbortController()
    linesOf(asked.form, asked.filter, stop.signal, setNumber)
      .then(({ lines, isWhole }) => {
        if (stop.signal.aborted) return
        const jobs = lines.length - (asked.form === 'csv' ? 1 : 0)
        download(`jobs.${asked.form}`, TYPES[asked.form], [`${lines.join('\n')}\n`])
        toast(`Exported: ${plural(jobs, 'job')}${isWhole ? '' : `, the first of those that match`}`)
        onClose()
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setProblem(asProblem(error))
      })
    return () => stop.abort()
  }, [asked])
  return (
    <Dialog title={`Export as ${form === 'csv' ? 'CSV' : 'JSON'}`} onClose={onClose}>
      {problem ? <ProblemNote problem={problem} /> : <p role="status">{plural(number, 'job')} read …</p>}
      <p className="muted small">At most {count(MOST)} jobs; for more there is `onward job export`.</p>
      <div className="dialog-foot">
        <button type="button" className="button" data-autofocus onClick={onClose}>
          {problem ? 'Close' : 'Stop'}
        </button>
      </div>
    </Dialog>
  )
}
