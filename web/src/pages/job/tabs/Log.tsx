import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, Download } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { JobDetail, LogLine } from '@/api/types'
import { useAddress } from '@/app/address'
import { useZone } from '@/app/zone'
import { download } from '@/parts/download'
import { Empty } from '@/parts/Empty'
import { ProblemNote } from '@/parts/Note'
import { plural } from '@/words/numbers'
import { absolute } from '@/words/times'
import { Ansi } from './Ansi'
import { useLog } from './useLog'

const LEVELS = ['debug', 'info', 'warning', 'error']
const ROW_PX = 22

/** The log: the last lines at once, then live. Following goes on and off without a jump. */
export function Log({ job }: { job: JobDetail }) {
  const { lines, problem, isLoading, earlier, loadEarlier } = useLog(job)
  const [level, setLevel] = useState('debug')
  const [text, setText] = useState('')
  const [follow, setFollow] = useState(true)
  const [zone] = useZone()
  const scroller = useRef<HTMLDivElement>(null)
  const shown = useMemo(() => {
    const least = LEVELS.indexOf(level)
    const wanted = text.toLowerCase()
    return lines.filter((line) => rank(line) >= least && (!wanted || written(line).toLowerCase().includes(wanted)))
  }, [lines, level, text])
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 20,
    getItemKey: (at) => shown[at]?.seq ?? at,
  })
  useEffect(() => {
    if (follow && shown.length > 0) rows.scrollToIndex(shown.length - 1, { align: 'end' })
  }, [follow, shown.length, rows])
  // A moment that the address names: the line then, with earlier ones fetched until it is reached.
  const [search] = useAddress()
  const from = search.get('from')
  const [isFound, setFound] = useState(from === null)
  useEffect(() => {
    if (isFound || from === null || isLoading || shown.length === 0) return
    setFollow(false)
    if (earlier && Date.parse(shown[0]?.at ?? from) > Date.parse(from)) return loadEarlier()
    setFound(true)
    const at = shown.findIndex((line) => Date.parse(line.at) >= Date.parse(from))
    rows.scrollToIndex(at < 0 ? shown.length - 1 : at, { align: 'start' })
  }, [isFound, from, isLoading, shown, earlier, loadEarlier, rows])
  const scrolled = () => {
    const box = scroller.current
    if (!box) return
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < ROW_PX * 2
    if (!atEnd && follow) setFollow(false)
  }
  if (problem) return <ProblemNote problem={problem} />
  if (lines.length === 0 && !isLoading) {
    return (
      <Empty title="No lines yet">
        <p>
          What a job says with <code>ctx.log</code>, and what libraries log while it runs, is kept here.
        </p>
      </Empty>
    )
  }
  return (
    <div className="stack tight">
      <div className="row spread">
        <div className="row">
          <select
            className="input narrow"
            aria-label="Least level"
            value={level}
            onChange={(event) => setLevel(event.target.value)}
          >
            {LEVELS.map((name) => (
              <option key={name} value={name}>
                {name === 'debug' ? 'All levels' : `${name} and above`}
              </option>
            ))}
          </select>
          <input
            className="input narrow"
            type="search"
            aria-label="Find in the log"
            placeholder="Find"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <span className="muted small number">{plural(shown.length, 'line')}</span>
        </div>
        <div className="row">
          {earlier && (
            <button type="button" className="button small" onClick={loadEarlier}>
              Earlier lines
            </button>
          )}
          <button type="button" className="button small" aria-pressed={follow} onClick={() => setFollow(!follow)}>
            <ArrowDown size={14} aria-hidden="true" /> {follow ? 'Following' : 'Follow'}
          </button>
          <button type="button" className="button small" onClick={() => save(job, lines)}>
            <Download size={14} aria-hidden="true" /> Download
          </button>
        </div>
      </div>
      <section
        className="log"
        ref={scroller}
        onScroll={scrolled}
        onWheel={(event) => event.deltaY < 0 && setFollow(false)}
        aria-label="Log"
        tabIndex={0}
      >
        <div className="log-lines" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const line = shown[row.index]
            return line ? (
              <div
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className="log-line"
                data-level={line.level}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <time className="muted" dateTime={line.at} title={line.at}>
                  {absolute(line.at, zone).split(' ').at(-2)}
                </time>
                <span className="log-level">{line.level}</span>
                <span className="log-text">
                  <Ansi text={written(line)} />
                </span>
              </div>
            ) : null
          })}
        </div>
      </section>
    </div>
  )
}

function rank(line: LogLine): number {
  const at = LEVELS.indexOf(line.level)
  return at < 0 ? LEVELS.length : at
}

function written(line: LogLine): string {
  const fields = Object.entries(line.fields ?? {}).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return [line.message, ...fields].join(' ')
}

function save(job: JobDetail, lines: LogLine[]): void {
  const text = lines.map((line) => `${line.at} ${line.level} ${written(line)}`).join('\n')
  download(`${job.job_type}-${job.id}.log`, 'text/plain', [`${text}\n`])
}
