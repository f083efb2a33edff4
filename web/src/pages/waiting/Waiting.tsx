import { useQuery } from '@tanstack/react-query'
import { Bell, BellOff, MessageCircleQuestion } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { call, query } from '@/api/client'
import type { Page, Question } from '@/api/types'
import { useAddress } from '@/app/address'
import { useNotify } from '@/app/notify'
import { useMay } from '@/app/session'
import { Empty } from '@/parts/Empty'
import { PageHead } from '@/parts/PageHead'
import { Table } from '@/parts/Table'
import { Tabs } from '@/parts/Tabs'
import { Time } from '@/parts/Time'
import { View } from '@/parts/View'
import { plural, shortId } from '@/words/numbers'
import { firstLine } from '@/words/texts'
import { useRowKeys } from '../jobs/useRowKeys'
import { Answered } from './Answered'
import { AnswerMany } from './AnswerMany'
import { alike } from './alike'
import { QuestionCard } from './QuestionCard'
import { keepSnoozed, useSnoozed } from './snooze'

/** What jobs ask of people: the list, and beside it the question that is being answered. */
export function Waiting() {
  const [search, setSearch] = useAddress()
  const tab = search.get('tab') ?? 'open'
  return (
    <>
      <PageHead title="Waiting for you" lead="Questions that jobs have asked. While they wait, they hold no worker.">
        <NotifyButton />
      </PageHead>
      <section className="card" aria-label="Questions">
        <Tabs
          label="Questions"
          value={tab}
          onChange={(name) =>
            setSearch(
              (now) => {
                now.delete('question')
                if (name === 'open') now.delete('tab')
                else now.set('tab', name)
                return now
              },
              { replace: true },
            )
          }
          tabs={[
            { name: 'open', label: 'Open', content: () => <Open /> },
            { name: 'answered', label: 'Answered', content: () => <Answered /> },
          ]}
        />
      </section>
    </>
  )
}

function NotifyButton() {
  const [state, set] = useNotify()
  if (state === 'no') return null
  return (
    <button type="button" className="button" aria-pressed={state === 'on'} onClick={() => void set(state !== 'on')}>
      {state === 'on' ? <Bell size={15} aria-hidden="true" /> : <BellOff size={15} aria-hidden="true" />}
      {state === 'on' ? 'Notifies you' : 'Notify me'}
    </button>
  )
}

function Open() {
  const [search, setSearch] = useAddress()
  const found = useQuery({
    queryKey: ['inputs', 'open'],
    queryFn: ({ signal }) => call<Page<Question>>(`inputs${query({ state: 'open' })}`, { signal }),
  })
  const snoozed = useSnoozed()
  const may = useMay('operator')
  const [many, setMany] = useState<Question[] | null>(null)
  const items = found.data
  useEffect(() => {
    if (items && !items.next) keepSnoozed(new Set(items.items.map((question) => question.id)))
  }, [items])
  // What is snoozed stands at the end, and is answered like any other.
  const questions = [...(items?.items ?? [])].sort((one, two) => Number(one.id in snoozed) - Number(two.id in snoozed))
  const asked = search.get('question')
  const open = useCallback(
    (id: string | null) =>
      setSearch(
        (old) => {
          if (id) old.set('question', id)
          else old.delete('question')
          return old
        },
        { replace: true },
      ),
    [setSearch],
  )
  const active = useRowKeys(questions, { open: (question) => open(question.id), enabled: true })
  const chosen = asked ?? questions[0]?.id ?? null
  const same = alike(
    questions.find((question) => question.id === chosen),
    questions,
  )
  return (
    <View query={found} rows={3}>
      {(page) =>
        page.items.length === 0 && !asked ? (
          <Empty title="Nobody is waiting for you." icon={MessageCircleQuestion} />
        ) : (
          <div className="asking">
            <Table
              label="Open questions"
              rows={questions}
              rowKey={(question) => question.id}
              active={active ?? chosen ?? undefined}
              columns={[
                {
                  name: 'question',
                  label: 'Question',
                  kind: 'wide',
                  cell: (question) => (
                    <span className="two-lines">
                      <button
                        type="button"
                        className="link-button cut"
                        aria-pressed={chosen === question.id}
                        onClick={() => open(question.id)}
                      >
                        {firstLine(question.prompt) || question.name}
                      </button>
                      <span className="muted cut">
                        {question.job_type} {shortId(question.job_id)}
                        {question.id in snoozed && ' · snoozed'}
                      </span>
                    </span>
                  ),
                },
                {
                  name: 'since',
                  label: 'Since',
                  cell: (question) => (question.asked_at ? <Time at={question.asked_at} /> : '–'),
                },
                { name: 'until', label: 'Until', cell: (question) => <Deadline question={question} /> },
                {
                  name: 'blocks',
                  label: 'Blocks',
                  cell: (question) =>
                    question.holds.length > 0 ? (
                      <span className="badge" data-tone="red">
                        holds {question.holds.join(', ')}
                        {question.behind > 0 && `, ${plural(question.behind, 'job')} behind it`}
                      </span>
                    ) : (
                      <span className="muted">–</span>
                    ),
                },
              ]}
            />
            <div className="stack">
              {may && same.length > 1 && (
                <div className="row">
                  <button type="button" className="button small" onClick={() => setMany(same)}>
                    Answer {same.length} alike …
                  </button>
                  <span className="muted small">They ask the same yes or no.</span>
                </div>
              )}
              {chosen && <QuestionCard key={chosen} id={chosen} onGone={() => open(null)} />}
            </div>
            {many && <AnswerMany questions={many} onClose={() => setMany(null)} />}
          </div>
        )
      }
    </View>
  )
}

const THEN: Record<string, string> = {
  fail: 'fails by itself',
  cancel: 'cancels by itself',
  default: 'takes the default',
}

function Deadline({ question }: { question: Question }) {
  if (!question.expires_at) return <span className="muted">no end</span>
  return (
    <span className="two-lines">
      <Time at={question.expires_at} as="clock" />
      <span className="muted">{THEN[question.on_timeout] ?? question.on_timeout}</span>
    </span>
  )
}
