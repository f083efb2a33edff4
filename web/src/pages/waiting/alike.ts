/** Questions that can be answered together: yes or no, and of the same form. */
import type { Json, Question, Schema } from '@/api/types'

interface YesNo {
  form: string
  response: (yes: boolean) => Json
}

/** How a yes or no is said to a question; null where it wants more than that. */
export function yesNoOf({ schema }: Question): YesNo | null {
  if (!schema) return null
  const form = JSON.stringify(schema)
  if (schema.type === 'boolean') return { form, response: (yes) => yes }
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const [only] = fields
  if (schema.type !== 'object' || fields.length !== 1 || !only || only[1].type !== 'boolean') return null
  return { form, response: (yes) => ({ [only[0]]: yes }) }
}

/** The open questions of the same form as this one, itself among them. */
export function alike(question: Question | undefined, all: Question[]): Question[] {
  const form = question && yesNoOf(question)?.form
  return form ? all.filter((other) => yesNoOf(other)?.form === form) : []
}
