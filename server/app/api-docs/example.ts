import { isSchema, type Schema } from './plain-schema.ts'

/** A value that fits a schema well enough to show what to write: required parts only, the first of all choices. */
export function exampleOf(schema: Schema, depth = 0): unknown {
  if ('const' in schema) return schema['const']
  const { enum: values, anyOf, type } = schema
  if (Array.isArray(values)) return values[0]
  if (type === 'object') return objectOf(schema, depth)
  if (Array.isArray(anyOf)) return exampleOf(firstOf(anyOf), depth)
  if (type === 'array') return depth > 4 ? [] : [exampleOf(isSchema(schema['items']) ? schema['items'] : {}, depth + 1)]
  if (type === 'string') return textOf(schema['format'])
  if (type === 'integer' || type === 'number') return typeof schema['minimum'] === 'number' ? schema['minimum'] : 1
  if (type === 'boolean') return true
  return type === 'null' ? null : {}
}

function firstOf(choices: readonly unknown[]): Schema {
  const [first] = choices
  return isSchema(first) ? first : {}
}

function objectOf(schema: Schema, depth: number): object {
  const properties = isSchema(schema['properties']) ? schema['properties'] : {}
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  const shown = Object.entries(properties).filter(([name]) => required.has(name))
  const variant = Array.isArray(schema['anyOf']) ? objectOf(firstOf(schema['anyOf']), depth) : {}
  const common = shown.map(([name, inner]) => [name, isSchema(inner) ? exampleOf(inner, depth + 1) : null] as const)
  return { ...Object.fromEntries(common), ...variant }
}

function textOf(format: unknown): string {
  if (format === 'uuid') return '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
  if (format === 'email') return 'anna@example.com'
  if (format === 'date-time') return '2026-01-01T00:00:00Z'
  return '…'
}
