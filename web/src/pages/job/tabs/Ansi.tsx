/** Colours that programs write to a terminal, as classes; every other control sequence is left out. */

const TONES: Record<number, string> = {
  31: 'red',
  32: 'green',
  33: 'amber',
  34: 'blue',
  35: 'purple',
  36: 'blue',
  90: 'grey',
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const SEQUENCE = /\u001b\[([0-9;]*)([A-Za-z])/g

export function Ansi({ text }: { text: string }) {
  if (!text.includes('\u001b')) return text
  const parts: { text: string; tone?: string; bold?: boolean }[] = []
  let tone: string | undefined
  let bold = false
  let from = 0
  for (const found of text.matchAll(SEQUENCE)) {
    if (found.index > from) parts.push({ text: text.slice(from, found.index), tone, bold })
    from = found.index + found[0].length
    if (found[2] !== 'm') continue
    for (const code of (found[1] || '0').split(';').map(Number)) {
      if (code === 0) {
        tone = undefined
        bold = false
      } else if (code === 1) bold = true
      else if (code === 39) tone = undefined
      else tone = TONES[code >= 91 && code <= 96 ? code - 60 : code] ?? tone
    }
  }
  parts.push({ text: text.slice(from), tone, bold })
  return parts.map((part, at) => (
    <span key={at} data-tone={part.tone} className={`${part.tone ? 'toned' : ''}${part.bold ? ' bold' : ''}`}>
      {part.text}
    </span>
  ))
}
