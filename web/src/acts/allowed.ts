/** Which verbs fit a job, for lists; the page of a job asks the server, which has the last word anyway. */
import type { Job } from '@/api/types'
import type { Verb } from '@/words/verbs'

export function fitting(job: Job): Verb[] {
  switch (job.state) {
    case 'succeeded':
      return ['again', 'delete']
    case 'failed':
    case 'cancelled':
    case 'interrupted':
      return [
        'resume',
        'fresh',
        'again',
        ...(job.acknowledged_by ? [] : (['ack'] as const)),
        ...(job.has_checkpoint ? (['discard'] as const) : []),
        'delete',
      ]
    case 'paused':
      return ['resume', 'cancel']
    default:
      return ['pause', 'cancel']
  }
}
