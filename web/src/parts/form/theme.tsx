import type {
  FieldTemplateProps,
  IconButtonProps,
  ObjectFieldTemplateProps,
  RegistryWidgetsType,
  TemplatesType,
  WidgetProps,
} from '@rjsf/utils'
import { ArrowDown, ArrowUp, Copy, Plus, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'

function Field(props: FieldTemplateProps) {
  const { id, label, required, rawErrors, rawDescription, children, hidden, displayLabel, schema } = props
  if (hidden) return <div hidden>{children}</div>
  const isBox = schema.type === 'boolean'
  const isGroup = schema.type === 'object'
  const errors = [...new Set(rawErrors ?? [])]
  return (
    <div className="field">
      {displayLabel && label && !isBox && !isGroup && (
        <label htmlFor={id}>
          {label}
          {!required && <span className="muted"> (optional)</span>}
        </label>
      )}
      {children}
      {rawDescription && !isGroup && schema.type !== 'array' && (
        <div className="hint" id={`${id}__description`}>
          {rawDescription}
        </div>
      )}
      {errors.length > 0 && !isGroup && (
        <div className="fault" id={`${id}__error`} role="alert">
          {errors.join('; ')}
        </div>
      )}
    </div>
  )
}

function Group({ title, properties, description, fieldPathId }: ObjectFieldTemplateProps) {
  const content: ReactNode = properties.map((property) => property.content)
  const isRoot = fieldPathId.path.length === 0
  if (isRoot) return <div className="stack">{content}</div>
  return (
    <fieldset className="form-group">
      <legend>{title}</legend>
      {description && <div className="hint">{description}</div>}
      <div className="stack">{content}</div>
    </fieldset>
  )
}

const action = (label: string, Icon: typeof Plus, text = false) =>
  function Action({ onClick, disabled, id }: IconButtonProps) {
    return (
      <button
        type="button"
        id={id}
        className={text ? 'button small' : 'button small quiet icon'}
        aria-label={text ? undefined : label}
        disabled={disabled}
        onClick={onClick}
      >
        <Icon size={15} aria-hidden="true" />
        {text && label}
      </button>
    )
  }

function described({ id, rawErrors, schema }: WidgetProps): string | undefined {
  const names = [schema.description && `${id}__description`, rawErrors?.length && `${id}__error`].filter(Boolean)
  return names.join(' ') || undefined
}

function Box(props: WidgetProps) {
  const { id, value, label, required, disabled, readonly, onChange } = props
  return (
    <label className="check-line" htmlFor={id}>
      <input
        id={id}
        type="checkbox"
        checked={Boolean(value)}
        required={required}
        disabled={disabled || readonly}
        aria-describedby={described(props)}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  )
}

function Radios(props: WidgetProps) {
  const { id, value, options, disabled, readonly, onChange, label } = props
  return (
    <div className="row" role="radiogroup" aria-label={label} aria-describedby={described(props)}>
      {(options.enumOptions ?? []).map((option, at) => (
        <label className="check-line" key={String(option.value)} htmlFor={at === 0 ? id : `${id}-${at}`}>
          <input
            id={at === 0 ? id : `${id}-${at}`}
            type="radio"
            name={id}
            checked={option.value === value}
            disabled={disabled || readonly}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  )
}

export const WIDGETS: RegistryWidgetsType = { CheckboxWidget: Box, RadioWidget: Radios }

export const TEMPLATES: Partial<Omit<TemplatesType, 'ButtonTemplates'>> & {
  ButtonTemplates: Partial<TemplatesType['ButtonTemplates']>
} = {
  FieldTemplate: Field,
  ObjectFieldTemplate: Group,
  ButtonTemplates: {
    AddButton: action('Add', Plus, true),
    RemoveButton: action('Remove', Trash2),
    MoveUpButton: action('Move up', ArrowUp),
    MoveDownButton: action('Move down', ArrowDown),
    CopyButton: action('Copy', Copy),
  },
}
