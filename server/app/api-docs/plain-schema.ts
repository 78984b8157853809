/** JSON Schema as plain JSON. */
export type Schema = { readonly [key: string]: unknown }

/** Keywords of ours that say how a column is stored, which no caller needs to know. */
const OURS = new Set(['pg', 'nullable'])
/** Keywords whose value maps names, which are not keywords, to schemas. */
const MAPS = new Set(['properties', 'patternProperties', '$defs'])
/** Keywords whose value is data. */
const DATA = new Set(['enum', 'const', 'default', 'example', 'examples', 'required'])

/** A TypeBox schema as it goes into a document: without symbols, functions and keywords of our own. */
export function plainSchema(schema: unknown): Schema {
  const plain: unknown = JSON.parse(JSON.stringify(schema ?? {}))
  return isSchema(plain) ? strip(plain) : {}
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function strip(schema: Schema): Schema {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !OURS.has(keyword))
      .map(([keyword, value]) => [keyword, stripValue(keyword, value)]),
  )
}

function stripValue(keyword: string, value: unknown): unknown {
  if (DATA.has(keyword)) return value
  if (MAPS.has(keyword) && isSchema(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, isSchema(inner) ? strip(inner) : inner]),
    )
  if (Array.isArray(value)) return value.map((inner: unknown) => (isSchema(inner) ? strip(inner) : inner))
  return isSchema(value) ? strip(value) : value
}
