/** What can be done with a job, each verb with one meaning; the same words in pages, command line and HTTP. */
export const VERBS = {
  resume: 'Resume',
  fresh: 'Start fresh',
  again: 'Run again',
  pause: 'Pause',
  unpause: 'Resume',
  cancel: 'Cancel',
  'force-stop': 'Force stop',
  ack: 'Acknowledge',
  discard: 'Discard checkpoint',
  delete: 'Delete',
} as const

export type Verb = keyof typeof VERBS

/** Words of other systems, and the verb that is meant. */
export const OTHER_WORDS: Record<string, Verb> = {
  retry: 'resume',
  requeue: 'resume',
  restart: 'fresh',
  rerun: 'again',
  reschedule: 'again',
  stop: 'cancel',
  abort: 'cancel',
  kill: 'force-stop',
  terminate: 'force-stop',
  dismiss: 'ack',
  unpause: 'resume',
}
