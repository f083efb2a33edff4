/** Schemas as Pydantic writes them, made plain for a form. */
import type { RJSFSchema, UiSchema } from '@rjsf/utils'
import type { Schema } from '@/api/types'

type Node = { [key: string]: unknown }

/** "X or nothing" becomes X: an empty field means nothing. */
export function plainSchema(schema: Schema): RJSFSchema {
  return simplify(schema) as RJSFSchema
}

function simplify(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(simplify)
  if (!node || typeof node !== 'object') return node
  const made: Node = Object.fromEntries(Object.entries(node as Node).map(([key, value]) => [key, simplify(value)]))
  if (Array.isArray(made.anyOf)) {
    const kinds = made.anyOf as Node[]
    const real = kinds.filter((kind) => kind?.type !== 'null')
    if (real.length === 1 && real.length < kinds.length) {
      const { anyOf: _anyOf, ...rest } = made
      if (rest.default === null) delete rest.default
      return { ...real[0], ...rest }
    }
  }
  if (made.default === null) delete made.default
  return made
}

/** Names of what may be long and is one line all the same. */
const ONE_LINE = /(^|_)(url|uri|path|address|name|id|key|file|folder)$/

/** How each field is shown: few choices as radios, long texts as areas. */
export function uiOf(schema: RJSFSchema): UiSchema {
  const ui: UiSchema = { 'ui:submitButtonOptions': { norender: true } }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (typeof field !== 'object') continue
    const choice = (field as RJSFSchema).enum
    const format = (field as RJSFSchema).format
    // A box cannot say that nobody has chosen yet.
    if (name === ALONE && (field as RJSFSchema).type === 'boolean') ui[name] = { 'ui:widget': 'radio' }
    else if (choice && choice.length <= 6 && choice.length > 1) ui[name] = { 'ui:widget': 'radio' }
    else if (format === 'textarea' || (((field as RJSFSchema).maxLength ?? 0) > 300 && !ONE_LINE.test(name)))
      ui[name] = { 'ui:widget': 'textarea' }
    else if (format === 'password' || (field as RJSFSchema).writeOnly) ui[name] = { 'ui:widget': 'password' }
  }
  return ui
}

/** The field of an answer that is one value and no object. */
export const ALONE = 'answer'

/** The schema of an object with one field, for what is a single value: yes or no, a text, a number, a choice. */
export function alone(schema: Schema | null | undefined): Schema | null {
  const kinds = ['boolean', 'string', 'number', 'integer', 'array']
  if (!schema || !(kinds.includes(String(schema.type)) || Array.isArray(schema.enum))) return null
  const { $defs, ...field } = schema
  return { type: 'object', $defs, properties: { [ALONE]: { title: 'Answer', ...field } }, required: [ALONE] } as Schema
}

/** Whether a form can show it: an object with named fields. */
export function hasForm(schema: Schema | null | undefined): boolean {
  return Boolean(schema && typeof schema.properties === 'object' && Object.keys(schema.properties as object).length > 0)
}
