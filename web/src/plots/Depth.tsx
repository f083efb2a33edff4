import { Link } from 'react-router'
import type { QueueDepth } from '@/api/types'
import { count } from '@/words/numbers'
import { duration } from '@/words/times'

/** How much waits in each queue, and for how long its oldest has. */
export function Depth({ queues }: { queues: QueueDepth[] }) {
  const most = Math.max(1, ...queues.map((queue) => queue.waiting))
  return (
    <table className="depth">
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col">Waiting</th>
          <th scope="col" className="number">
            Oldest waits
          </th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <tr key={queue.queue}>
            <th scope="row">
              <Link to={`/jobs?state=queued&queue=${encodeURIComponent(queue.queue)}`}>{queue.queue}</Link>
            </th>
            <td>
              <span className="depth-bar">
                <span style={{ width: `${(queue.waiting / most) * 100}%` }} aria-hidden="true" />
                <b className="number">{count(queue.waiting)}</b>
              </span>
            </td>
            <td className="number muted">{queue.oldest_seconds === null ? '–' : duration(queue.oldest_seconds)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
