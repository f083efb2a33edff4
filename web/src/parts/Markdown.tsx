import type { ReactNode } from 'react'

/** Simple Markdown as elements, never as HTML: paragraphs, lists, headings, code, bold, italics, links to the web. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="prose">
      {text
        .trim()
        .split(/\n{2,}/)
        .map((block, at) => (
          <Block key={at} text={block} />
        ))}
    </div>
  )
}

function Block({ text }: { text: string }) {
  const lines = text.split('\n')
  if (text.startsWith('```'))
    return <pre>{lines.slice(1, lines.at(-1)?.startsWith('```') ? -1 : undefined).join('\n')}</pre>
  const heading = /^#{1,6}\s+(.*)$/.exec(lines[0] ?? '')
  if (heading && lines.length === 1) return <h3>{inline(heading[1] ?? '')}</h3>
  if (lines.every((line) => /^\s*[-*]\s+/.test(line))) {
    return (
      <ul>
        {lines.map((line, at) => (
          <li key={at}>{inline(line.replace(/^\s*[-*]\s+/, ''))}</li>
        ))}
      </ul>
    )
  }
  return <p>{lines.flatMap((line, at) => (at ? [<br key={`b${at}`} />, ...inline(line)] : inline(line)))}</p>
}

const MARK = /(`[^`]+`)|(\*\*[^*]+\*\*)|(\*[^*]+\*)|(\[[^\]]+\]\([^)\s]+\))/g

function inline(text: string): ReactNode[] {
  return text.split(MARK).flatMap((part, at): ReactNode[] => {
    if (!part) return []
    const key = `${at}${part}`
    if (/^`[^`]+`$/.test(part)) return [<code key={key}>{part.slice(1, -1)}</code>]
    if (/^\*\*[^*]+\*\*$/.test(part)) return [<strong key={key}>{part.slice(2, -2)}</strong>]
    if (/^\*[^*]+\*$/.test(part)) return [<em key={key}>{part.slice(1, -1)}</em>]
    const link = /^\[([^\]]+)\]\(([^)\s]+)\)$/.exec(part)
    if (link)
      return [
        isWeb(link[2] ?? '') ? (
          <a key={key} href={link[2]} target="_blank" rel="noopener noreferrer">
            {link[1]}
          </a>
        ) : (
          (link[1] ?? '')
        ),
      ]
    return [part]
  })
}

/** Only the web: an address that runs something is none. */
function isWeb(address: string): boolean {
  return /^https?:\/\//i.test(address)
}
