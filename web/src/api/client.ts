/** The one way to the server: addresses under the document's base, problems as errors, one key for each wish to change. */

export interface ProblemRecord {
  type?: string
  title: string
  status: number
  detail?: string
  code: string
  hint?: string
  request_id?: string
  errors?: { pointer: string; message: string }[]
  [fact: string]: unknown
}

export class Problem extends Error {
  constructor(readonly record: ProblemRecord) {
    super(record.detail || record.title)
    this.name = 'Problem'
  }
  get code(): string {
    return this.record.code
  }
  get status(): number {
    return this.record.status
  }
}

/** Where the pages are mounted, with one slash at its end. */
export const BASE = document.baseURI.replace(/\/*$/, '/')

/** The same as a path without the last slash, for the router. */
export const BASE_PATH = new URL(BASE).pathname.replace(/\/+$/, '')

export function address(path: string): string {
  return `${BASE}api/v1/${path.replace(/^\/+/, '')}`
}

export interface Wish {
  method?: string
  body?: unknown
  match?: string | undefined
  signal?: AbortSignal | undefined
}

export async function call<T>(path: string, wish: Wish = {}): Promise<T> {
  return (await callWithTag<T>(path, wish)).data
}

/** The answer and its ETag, for changes that must not overwrite somebody else's. */
export async function callWithTag<T>(path: string, wish: Wish = {}): Promise<{ data: T; tag: string | undefined }> {
  const method = wish.method ?? (wish.body === undefined ? 'GET' : 'POST')
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (method !== 'GET') {
    headers['X-Requested-With'] = 'onward'
    if (method === 'POST') headers['Idempotency-Key'] = newKey()
  }
  if (wish.body !== undefined) headers['Content-Type'] = 'application/json'
  if (wish.match) headers['If-Match'] = wish.match
  let answer: Response
  try {
    answer = await fetch(address(path), {
      method,
      headers,
      credentials: 'same-origin',
      body: wish.body === undefined ? null : writeJson(wish.body),
      signal: wish.signal ?? null,
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Problem({
      title: 'The server does not answer',
      detail: 'The server cannot be reached. Nothing was changed.',
      status: 0,
      code: 'server-unreachable',
    })
  }
  if (!answer.ok) throw new Problem(await problemOf(answer))
  const data = answer.status === 204 ? (undefined as T) : (readJson(await answer.text()) as T)
  return { data, tag: answer.headers.get('ETag') ?? undefined }
}

async function problemOf(answer: Response): Promise<ProblemRecord> {
  const text = await answer.text()
  try {
    const record = JSON.parse(text) as Partial<ProblemRecord>
    if (record && typeof record.title === 'string') {
      return { code: 'unexpected', ...record, title: record.title, status: answer.status }
    }
  } catch {
    // Not a problem document: something between us and the server has answered.
  }
  return {
    title: `The server answered ${answer.status}`,
    detail: text.slice(0, 200) || answer.statusText,
    status: answer.status,
    code: 'unexpected',
  }
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A whole number that a JavaScript number would round. It is kept as its digits. */
export class BigNumber {
  constructor(readonly digits: string) {}
  toString(): string {
    return this.digits
  }
}

const RAW_NUMBERS = 'rawJSON' in JSON

/** JSON in which big whole numbers stay exact. */
export function readJson(text: string): unknown {
  return JSON.parse(text, ((_key: string, value: unknown, context?: { source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? new BigNumber(source)
      : value
  }) as (key: string, value: unknown) => unknown)
}

export function writeJson(value: unknown, indent?: number): string {
  const replace = (_key: string, item: unknown) =>
    item instanceof BigNumber
      ? RAW_NUMBERS
        ? (JSON as unknown as { rawJSON: (digits: string) => unknown }).rawJSON(item.digits)
        : item.digits
      : item
  return JSON.stringify(value, replace, indent)
}

/** A query string from filled values only. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== '') search.set(key, String(value))
  }
  const text = search.toString()
  return text ? `?${text}` : ''
}
