/** Validation of forms without compiling code at run time, which the content policy forbids; the server's word is the last. */
import { type OutputUnit, Validator } from '@cfworker/json-schema'
import type { ErrorSchema, RJSFSchema, RJSFValidationError, ValidationData, ValidatorType } from '@rjsf/utils'
import { ErrorSchemaBuilder } from '@rjsf/utils'

const GROUPS = new Set([
  'properties',
  'items',
  'prefixItems',
  'allOf',
  '$ref',
  'additionalProperties',
  'anyOf',
  'oneOf',
  'if',
  'then',
  'else',
])

function errorsOf(schema: RJSFSchema, value: unknown): OutputUnit[] {
  const plain = JSON.parse(JSON.stringify(value ?? null, (_key, item: unknown) => item ?? undefined)) as unknown
  const found = new Validator(schema as object, '2020-12', false).validate(plain ?? {}).errors
  const leaves = found.filter((error) => !GROUPS.has(error.keyword))
  return leaves.length > 0 ? leaves : found
}

const PLAIN: Record<string, (schema: unknown) => string> = {
  minLength: (limit) => (limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`),
  maxLength: (limit) => `must have at most ${limit} characters`,
  minimum: (limit) => `must be ${limit} or more`,
  maximum: (limit) => `must be ${limit} or less`,
  exclusiveMinimum: (limit) => `must be more than ${limit}`,
  exclusiveMaximum: (limit) => `must be less than ${limit}`,
  minItems: (limit) => `must have at least ${limit} entries`,
  maxItems: (limit) => `must have at most ${limit} entries`,
  pattern: (limit) => `must match ${limit}`,
  enum: () => 'must be one of the values offered',
  type: (kind) => `must be of type ${String(kind)}`,
  format: (format) => `must be a ${String(format)}`,
}

function messageOf(error: OutputUnit, schema: RJSFSchema): string {
  const limit = at(schema, error.keywordLocation)
  return PLAIN[error.keyword]?.(limit) ?? error.error
}

function at(schema: unknown, pointer: string): unknown {
  let found = schema
  for (const part of pointer.replace(/^#\/?/, '').split('/')) {
    const name = decodeURIComponent(part.replaceAll('~1', '/').replaceAll('~0', '~'))
    const step = found as Record<string, unknown> | undefined
    if (step && typeof step === 'object' && name in step) found = step[name]
    else if (step && typeof step === 'object' && typeof step.$ref === 'string') found = at(schema, step.$ref)
    else return undefined
  }
  return found
}

/** Where an error stands, as names from the outside in; a missing value's error stands at the value. */
function placeOf(error: OutputUnit): string[] {
  const place = error.instanceLocation.replace(/^#\/?/, '').split('/').filter(Boolean)
  const missing = error.keyword === 'required' ? /property "([^"]+)"/i.exec(error.error)?.[1] : undefined
  return missing ? [...place, missing] : place
}

function listOf(errors: OutputUnit[], schema: RJSFSchema): RJSFValidationError[] {
  return errors.map((error) => {
    const place = placeOf(error)
    const message = error.keyword === 'required' ? 'is needed' : messageOf(error, schema)
    return { name: error.keyword, property: `.${place.join('.')}`, message, stack: `${place.join('.')} ${message}` }
  })
}

export const validator: ValidatorType = {
  validateFormData(value, schema): ValidationData<unknown> {
    const found = errorsOf(schema, value)
    const builder = new ErrorSchemaBuilder()
    const errors = listOf(found, schema)
    for (const [index, error] of errors.entries())
      builder.addErrors(error.message ?? '', placeOf(found[index] as OutputUnit))
    return { errors, errorSchema: builder.ErrorSchema as ErrorSchema<unknown> }
  },
  isValid(schema, value, root) {
    try {
      const rooted = { ...(schema as object), $defs: { ...(root.$defs as object), ...(schema as RJSFSchema).$defs } }
      return new Validator(rooted, '2020-12', true).validate(value ?? null).valid
    } catch {
      return false
    }
  },
  rawValidation(schema, value) {
    return { errors: listOf(errorsOf(schema, value), schema) as never[] }
  },
}

export default validator
