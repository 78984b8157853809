/** A form made of a JSON Schema: the small part of the language that node types use. */
export type FieldKind =
  | 'text'
  | 'multiline'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'list'
  | 'map'
  | 'rows'
  | 'json'

export interface Field {
  key: string
  kind: FieldKind
  title: string
  hint: string | undefined
  required: boolean
  choices: readonly (string | number)[]
  minimum: number | undefined
  maximum: number | undefined
  max_length: number | undefined
  fallback: unknown
  /** Columns of a list of small objects. */
  columns: Field[]
}

type Json = Record<string, unknown>
const SIMPLE: ReadonlySet<FieldKind> = new Set(['text', 'multiline', 'number', 'integer', 'boolean', 'choice'])

/** Fields of an object schema in its order. Kinds that the form does not know become JSON text. */
export function fieldsOf(schema: unknown): Field[] {
  if (!isObject(schema) || !isObject(schema['properties'])) return []
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  return Object.entries(schema['properties']).flatMap(([key, part]) =>
    isObject(part) ? [fieldOf(key, part, required.includes(key))] : [],
  )
}

function fieldOf(key: string, schema: Json, required: boolean): Field {
  const inner = withoutNull(schema)
  return {
    key,
    kind: kindOf(inner),
    title: text(schema['title']) ?? key,
    hint: text(schema['description']),
    required,
    choices: choicesOf(inner),
    minimum: number(inner['minimum']),
    maximum: number(inner['maximum']),
    max_length: number(inner['maxLength']),
    fallback: schema['default'],
    columns: kindOf(inner) === 'rows' ? fieldsOf(inner['items']) : [],
  }
}

/** `anyOf: [T, null]` is an optional T. */
function withoutNull(schema: Json): Json {
  const parts = Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isObject) : []
  const others = parts.filter((part) => part['type'] !== 'null')
  const [only] = others
  return parts.length > 0 && others.length === 1 && only ? { ...schema, ...only } : schema
}

function kindOf(schema: Json): FieldKind {
  if (choicesOf(schema).length > 0) return 'choice'
  switch (schema['type']) {
    case 'string':
      return isLong(schema) ? 'multiline' : 'text'
    case 'number':
      return 'number'
    case 'integer':
      return 'integer'
    case 'boolean':
      return 'boolean'
    case 'array':
      return kindOfItems(schema['items'])
    case 'object':
      return isTextMap(schema) ? 'map' : 'json'
    default:
      return 'json'
  }
}

function isLong(schema: Json): boolean {
  const format = schema['format']
  return (
    format === 'text' || format === 'textarea' || format === 'multiline' || (number(schema['maxLength']) ?? 0) > 500
  )
}

function kindOfItems(items: unknown): FieldKind {
  if (!isObject(items)) return 'json'
  if (items['type'] === 'string') return 'list'
  const columns = fieldsOf(items)
  return columns.length > 0 && columns.every((column) => SIMPLE.has(column.kind)) ? 'rows' : 'json'
}

/** `additionalProperties` or TypeBox's `patternProperties` of strings. */
function isTextMap(schema: Json): boolean {
  if (isObject(schema['properties'])) return false
  const patterns = isObject(schema['patternProperties']) ? Object.values(schema['patternProperties']) : []
  const value = patterns[0] ?? schema['additionalProperties']
  return isObject(value) && value['type'] === 'string'
}

function choicesOf(schema: Json): (string | number)[] {
  const parts = Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isObject).map((part) => part['const']) : []
  const values = Array.isArray(schema['enum']) ? schema['enum'] : parts
  const fit = values.filter((value): value is string | number => typeof value === 'string' || typeof value === 'number')
  return fit.length === values.length ? fit : []
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
