import { MoveRight } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { call, type Problem } from '@/api/client'
import { ProblemNote } from '@/parts/Note'
import { TextField } from '@/parts/TextField'
import { asProblem } from '@/parts/View'
import { useTitle } from './title'

/** Asks for a key, once: the server keeps it in a cookie that no script can read. */
export function SignIn({ problem }: { problem: Problem }) {
  useTitle('Sign in')
  const [key, setKey] = useState('')
  const [busy, setBusy] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => form.current?.querySelector('input')?.focus(), [])
  const send = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setRefused(null)
    try {
      await call('session', { method: 'POST', body: { key: key.trim() } })
      location.reload()
    } catch (error) {
      setRefused(asProblem(error))
      setBusy(false)
    }
  }
  // An application around this one has its own way to sign in; a key would not help.
  const isOurs = problem.code !== 'not-let-in'
  return (
    <main className="alone">
      <div className="card alone-card">
        <div className="brand-line">
          <MoveRight aria-hidden="true" /> onward
        </div>
        <h1>Sign in</h1>
        {isOurs ? (
          <form ref={form} className="stack" onSubmit={(event) => void send(event)}>
            <p>These pages need a key. Whoever runs the server makes one:</p>
            <p>
              <code>onward key create --role operator NAME</code>
            </p>
            <TextField
              label="Key"
              type="password"
              autoComplete="current-password"
              placeholder="onw_…"
              value={key}
              onChange={setKey}
            />
            {refused && <ProblemNote problem={refused} />}
            <div className="dialog-foot">
              <button type="submit" className="button primary" disabled={busy || !key.trim()}>
                Sign in
              </button>
            </div>
          </form>
        ) : (
          <ProblemNote problem={problem} />
        )}
      </div>
    </main>
  )
}
