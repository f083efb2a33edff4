import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call, type Problem } from '@/api/client'
import type { ChainPlan } from '@/api/types'
import { Code } from '@/parts/Copy'
import { ProblemNote } from '@/parts/Note'
import { toast } from '@/parts/Toasts'
import { asProblem, View } from '@/parts/View'
import { type Plan, phaseOf, sent } from './plan'

interface Props {
  name: string
  plan: Plan
  onRead?: ((change: (plan: Plan) => Plan) => void) | undefined
}

/** The chain as text: YAML for files and the command line, Python for programs; YAML can be read back. */
export function CodeTab({ name, plan, onRead }: Props) {
  const wish = { name, label: plan.label, description: plan.description, phases: sent(plan.phases) }
  const written = useQuery({
    queryKey: ['chain-text', JSON.stringify(wish)],
    queryFn: () => call<{ yaml: string; python: string }>('chains/export', { body: wish }),
    staleTime: 60_000,
  })
  return (
    <div className="stack">
      <View query={written} rows={6}>
        {({ yaml, python }) => (
          <div className="two-columns">
            <section className="stack tight">
              <h2>YAML</h2>
              <Code text={yaml} label="YAML" />
              <p className="muted">
                In a file: <code>onward chain run chain.yaml</code>
              </p>
            </section>
            <section className="stack tight">
              <h2>Python</h2>
              <Code text={python} label="Python" />
            </section>
          </div>
        )}
      </View>
      {onRead && <Read onRead={onRead} />}
    </div>
  )
}

function Read({ onRead }: { onRead: (change: (plan: Plan) => Plan) => void }) {
  const [text, setText] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const read = async () => {
    setProblem(null)
    try {
      const found = await call<ChainPlan>('chains/import', { body: { yaml: text } })
      onRead((plan) => ({
        label: found.label || plan.label,
        description: found.description || plan.description,
        source: found.source_id ?? plan.source,
        phases: found.phases.map(phaseOf),
      }))
      setText('')
      toast('Read. Undo brings back what was here before.')
    } catch (error) {
      setProblem(asProblem(error))
    }
  }
  return (
    <section className="stack tight" aria-label="Read YAML">
      <h2>Read YAML</h2>
      <textarea
        className="input mono"
        rows={6}
        spellCheck={false}
        aria-label="YAML of a chain"
        placeholder={'phases:\n  - job_type: metadata\n    weight: 20'}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {problem && <ProblemNote problem={problem} />}
      <div>
        <button type="button" className="button" disabled={!text.trim()} onClick={() => void read()}>
          Replace the chain by this
        </button>
      </div>
    </section>
  )
}
