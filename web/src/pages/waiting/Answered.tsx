import { useQuery } from '@tanstack/react-query'
import { History } from 'lucide-react'
import { Link } from 'react-router'
import { call, query, writeJson } from '@/api/client'
import type { Page, Question } from '@/api/types'
import { Empty } from '@/parts/Empty'
import { Table } from '@/parts/Table'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { shortId } from '@/words/numbers'
import { firstLine } from '@/words/texts'

/** Who has answered what, and when. */
export function Answered() {
  const found = useQuery({
    queryKey: ['inputs', 'answered'],
    queryFn: ({ signal }) => call<Page<Question>>(`inputs${query({ state: 'answered' })}`, { signal }),
  })
  return (
    <View query={found} rows={3}>
      {(page) =>
        page.items.length === 0 ? (
          <Empty title="Nothing has been answered yet." icon={History} />
        ) : (
          <Table
            label="Answered questions"
            rows={page.items}
            rowKey={(question) => question.id}
            columns={[
              {
                name: 'at',
                label: 'When',
                cell: (question) => (question.answered_at ? <Time at={question.answered_at} as="full" /> : '–'),
              },
              { name: 'by', label: 'Who', cell: (question) => question.answered_by ?? '–' },
              {
                name: 'question',
                label: 'Question',
                cell: (question) => firstLine(question.prompt) || question.name,
              },
              {
                name: 'job',
                label: 'Job',
                cell: (question) => (
                  <Link className="main-link" to={`/jobs/${encodeURIComponent(question.job_id)}`}>
                    {question.job_type} <span className="mono muted">{shortId(question.job_id)}</span>
                  </Link>
                ),
              },
              {
                name: 'answer',
                label: 'Answer',
                kind: 'wide',
                cell: (question) => (
                  <div className="cut mono" title={writeJson(question.response)}>
                    {writeJson(question.response)}
                  </div>
                ),
              },
            ]}
          />
        )
      }
    </View>
  )
}
