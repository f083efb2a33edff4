import { useEffect, useState } from 'react'

/** True after a moment: what is quick shows no skeleton. */
function useLate(ms = 150): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms)
    return () => clearTimeout(timer)
  }, [ms])
  return late
}

/** Lines of the height that the content will have. */
export function Bones({ rows = 5, height = 2.75 }: { rows?: number; height?: number }) {
  const late = useLate()
  return (
    <div aria-busy="true" style={{ minHeight: `${rows * height}rem` }}>
      <span className="unseen">Loading</span>
      {late &&
        Array.from({ length: rows }, (_, row) => (
          <div key={row} style={{ height: `${height}rem`, padding: '0.75rem 1rem' }}>
            <span className="bone" style={{ height: '100%', width: `${92 - ((row * 17) % 40)}%` }} />
          </div>
        ))}
    </div>
  )
}
