import Form, { type IChangeEvent } from '@rjsf/core'
import type { ErrorSchema } from '@rjsf/utils'
import { ErrorSchemaBuilder } from '@rjsf/utils'
import { forwardRef, useImperativeHandle, useMemo, useRef } from 'react'
import type { Json, Schema } from '@/api/types'
import { plainSchema, uiOf } from './schema'
import { TEMPLATES, WIDGETS } from './theme'
import { validator } from './validator'

export interface FormHandle {
  /** Whether all is well; if not, faults are shown at their fields. */
  check: () => boolean
}

interface Props {
  schema: Schema
  value: Json
  onChange: (value: Json) => void
  /** What the server found, each at its place: "/params/limit". */
  faults?: { pointer: string; message: string }[]
  idPrefix: string
  disabled?: boolean
}

/** A form made from a JSON Schema. */
export const SchemaForm = forwardRef<FormHandle, Props>(function SchemaForm(props, handle) {
  const { schema, value, onChange, faults, idPrefix, disabled } = props
  const form = useRef<Form>(null)
  const plain = useMemo(() => plainSchema(schema), [schema])
  const ui = useMemo(() => uiOf(plain), [plain])
  useImperativeHandle(handle, () => ({ check: () => form.current?.validateForm() ?? true }), [])
  return (
    <Form
      ref={form}
      className="form-area"
      tagName="div"
      idPrefix={idPrefix}
      schema={{ ...plain, title: undefined, description: undefined }}
      uiSchema={ui}
      formData={value}
      validator={validator}
      templates={TEMPLATES}
      widgets={WIDGETS}
      extraErrors={faultsAt(faults)}
      disabled={disabled ?? false}
      showErrorList={false}
      noHtml5Validate
      onError={() => {
        // Faults are shown at their fields; there is nothing to add.
      }}
      focusOnFirstError={(error) => focusOn(idPrefix, error.property)}
      experimental_defaultFormStateBehavior={{ emptyObjectFields: 'skipEmptyDefaults' }}
      onChange={(event: IChangeEvent) => onChange(event.formData as Json)}
    >
      {' '}
    </Form>
  )
})

/** The field of a fault; the form may lie in another one, so it is no form element of its own. */
function focusOn(idPrefix: string, property: string | undefined): void {
  const names = (property ?? '').split('.').filter(Boolean)
  document.getElementById([idPrefix, ...names].join('_'))?.focus()
}

function faultsAt(faults: Props['faults']): ErrorSchema | undefined {
  if (!faults?.length) return undefined
  const builder = new ErrorSchemaBuilder()
  for (const { pointer, message } of faults) {
    const place = pointer.split('/').filter(Boolean)
    builder.addErrors(message, place[0] === 'params' || place[0] === 'response' ? place.slice(1) : place)
  }
  return builder.ErrorSchema as ErrorSchema
}
