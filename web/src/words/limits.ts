/** Which jobs somebody is limited to, in words. */
import type { Limits } from '@/api/types'

const WORDS: [keyof Limits, string][] = [
  ['queues', 'queue'],
  ['job_types', 'job type'],
  ['user_ids', 'user'],
]

/** "queue gpu, job type embed*"; empty without limits. */
export function limitsText(limits: Limits): string {
  return WORDS.filter(([field]) => limits[field]?.length)
    .map(([field, word]) => `${word} ${limits[field]?.join(' or ')}`)
    .join(', ')
}
