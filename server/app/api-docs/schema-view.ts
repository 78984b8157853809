import { html, type Html } from './html.ts'
import { isSchema, type Schema } from './plain-schema.ts'
import { CHROME, type Language } from './words.ts'

/** A schema as nested lists: a line a property, its type, its limits. */
export function schemaView(schema: Schema, known: Readonly<Record<string, Schema>>, language: Language): Html {
  const inner = innerOf(resolve(schema, known))
  const label = html`<span class="type">${typeOf(resolve(schema, known), language)}</span>`
  return inner ? html`${label}${childrenOf(inner, known, language, 0)}` : label
}

/** Deeper nesting is rare, and is cut rather than drawn off the side of a phone. */
const DEEPEST = 6

function childrenOf(schema: Schema, known: Readonly<Record<string, Schema>>, language: Language, depth: number): Html {
  if (depth > DEEPEST) return html`…`
  const properties = isSchema(schema['properties']) ? Object.entries(schema['properties']) : []
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const items = properties.map(([name, inner]) => {
    const resolved = resolve(isSchema(inner) ? inner : {}, known)
    const mark = required.includes(name) ? undefined : html` <em>${CHROME.optional[language]}</em>`
    return html`<li><code>${name}</code>${mark} ${line(resolved, known, language, depth)}</li>`
  })
  const choices = choicesOf(schema).map((choice) => {
    const resolved = resolve(choice, known)
    const title = typeof resolved['title'] === 'string' ? html`<code>${resolved['title']}</code> ` : undefined
    return html`<li class="choice">${title}${line(resolved, known, language, depth)}</li>`
  })
  const all = [...items, ...choices]
  return all.length > 0
    ? html`<ul>
        ${all}
      </ul>`
    : html``
}

function line(schema: Schema, known: Readonly<Record<string, Schema>>, language: Language, depth: number): Html {
  const inner = innerOf(schema)
  const below = inner ? childrenOf(inner, known, language, depth + 1) : undefined
  return html`<span class="type">${typeOf(schema, language)}</span>${below}`
}

function resolve(schema: Schema, known: Readonly<Record<string, Schema>>): Schema {
  const reference = schema['$ref']
  if (typeof reference !== 'string') return schema
  return known[reference.replace('#/components/schemas/', '')] ?? {}
}

/** The part of a schema that has lines of its own: the object itself, what a list holds, what may be null. */
function innerOf(schema: Schema): Schema | undefined {
  if (isSchema(schema['properties']) || choicesOf(schema).length > 0) return schema
  if (schema['type'] === 'array' && isSchema(schema['items'])) return innerOf(schema['items'])
  const [only, ...others] = notNull(schema)
  return only && others.length === 0 ? innerOf(only) : undefined
}

const notNull = (schema: Schema): Schema[] =>
  (Array.isArray(schema['anyOf']) ? schema['anyOf'].filter(isSchema) : []).filter(({ type }) => type !== 'null')

/** Alternatives that are objects; simple ones fit into the type. */
function choicesOf(schema: Schema): Schema[] {
  const choices = notNull(schema)
  return choices.length > 1 && choices.some((choice) => innerOf(choice) !== undefined) ? choices : []
}

function typeOf(schema: Schema, language: Language): string {
  if ('const' in schema) return JSON.stringify(schema['const'])
  const { enum: values, anyOf, type, items } = schema
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (type === 'object') return choicesOf(schema).length > 0 ? `object, ${CHROME.oneOf[language]}` : 'object'
  if (choicesOf(schema).length > 0) return CHROME.oneOf[language]
  if (Array.isArray(anyOf))
    return anyOf.map((each: unknown) => typeOf(isSchema(each) ? each : {}, language)).join(' | ')
  if (type === 'array') {
    const held = isSchema(items) ? typeOf(items, language) : CHROME.any[language]
    return `${CHROME.list[language]}${limitsOf(schema)} ${held}`
  }
  if (Array.isArray(type)) return type.join(' | ')
  return typeof type === 'string' ? `${type}${limitsOf(schema)}` : CHROME.any[language]
}

function limitsOf(schema: Schema): string {
  const format = typeof schema['format'] === 'string' ? ` ${schema['format']}` : ''
  const range = [
    rangeOf(schema['minimum'], schema['maximum']),
    rangeOf(schema['minLength'], schema['maxLength']),
    rangeOf(schema['minItems'], schema['maxItems']),
  ].find((each) => each !== '')
  return `${format}${range ? ` ${range}` : ''}`
}

function rangeOf(least: unknown, most: unknown): string {
  // The largest exact integer is no limit that anybody meets.
  if (most === Number.MAX_SAFE_INTEGER) return rangeOf(least, undefined)
  if (typeof least !== 'number' && typeof most !== 'number') return ''
  if (typeof least !== 'number') return `≤ ${String(most)}`
  return typeof most === 'number' ? `${least}–${most}` : `≥ ${least}`
}
