import { Link } from 'react-router'
import type { JobDetail } from '@/api/types'
import { Time } from '@/parts/Time'
import { shortId } from '@/words/numbers'

/** Where it came from and where it runs, in one line of facts. */
export function JobFacts({ job }: { job: JobDetail }) {
  const facts: [string, React.ReactNode][] = [
    ['Created', <Time key="t" at={job.created_at} />],
    ...(job.state === 'scheduled' && job.run_at
      ? [['Starts', <Time key="t" at={job.run_at} as="clock" />] as [string, React.ReactNode]]
      : []),
    ...(job.started_at
      ? [['Started', <Time key="t" at={job.started_at} as="clock" />] as [string, React.ReactNode]]
      : []),
    ...(job.completed_at
      ? [['Ended', <Time key="t" at={job.completed_at} as="clock" />] as [string, React.ReactNode]]
      : []),
    ['Attempt', `${job.attempt} of ${Math.max(job.attempt, job.max_attempts)}`],
    ['Queue', job.queue],
    ...(job.source_id ? [['Source', job.source_id] as [string, React.ReactNode]] : []),
    ...(job.user_id ? [['User', job.user_id] as [string, React.ReactNode]] : []),
    ...(job.worker_id
      ? [
          [
            'Worker',
            <span key="w" className="mono">
              {shortId(job.worker_id)}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(job.parent
      ? [
          [
            'Part of',
            <Link key="p" to={`/jobs/${encodeURIComponent(job.parent.id)}`}>
              {job.parent.job_type} {shortId(job.parent.id)}
            </Link>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(job.resources.length
      ? [
          [
            'Resources',
            <span key="r" className="row">
              {job.resources.map((need) => (
                <span key={need.name} className="tag">
                  {need.name}
                </span>
              ))}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(job.tags.length
      ? [
          [
            'Tags',
            <span key="r" className="row">
              {job.tags.map((tag) => (
                <Link key={tag} className="tag" to={`/jobs?tag=${encodeURIComponent(tag)}`}>
                  {tag}
                </Link>
              ))}
            </span>,
          ] as [string, React.ReactNode],
        ]
      : []),
    ...(job.acknowledged_by
      ? [
          ['Acknowledged', `by ${job.acknowledged_by}${job.acknowledged_note ? `: ${job.acknowledged_note}` : ''}`] as [
            string,
            React.ReactNode,
          ],
        ]
      : []),
  ]
  return (
    <dl className="fact-line">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
