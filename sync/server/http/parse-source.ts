import type { ShapeSource } from '../shape/shape-source.ts'
import { paramsOf, parseJson } from './parse-params.ts'

export type ParsedSource = { source: ShapeSource } | { errors: Record<string, string[]> }

const IDENTIFIER = /"(?:[^"\0]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y

/** What `table`, `columns`, `where`, `params`, `replica` and `log` ask for. */
export function parseSource(parameters: ReadonlyMap<string, string>): ParsedSource {
  const errors: Record<string, string[]> = {}
  const log = oneOf(parameters, 'log', ['full', 'changes_only'], errors)
  const replica = oneOf(parameters, 'replica', ['default', 'full'], errors)
  const path = parseTable(parameters.get('table') ?? '', errors)
  const columns = parseColumns(parameters.get('columns'), errors)
  const params = parseParams(parameters)
  if (!params) errors['params'] = ['is invalid']
  if (Object.keys(errors).length > 0 || !path || !params) return { errors }
  const where = parameters.get('where') || undefined
  return {
    source: {
      ...path,
      columns,
      replica,
      log,
      rows: where === undefined ? { kind: 'all' } : { kind: 'where', where, params },
    },
  }
}

/** One of two words; the first when nothing is said. */
function oneOf<First extends string, Second extends string>(
  parameters: ReadonlyMap<string, string>,
  name: string,
  [first, second]: readonly [First, Second],
  errors: Record<string, string[]>,
): First | Second {
  const given = parameters.get(name) ?? first
  if (given !== first && given !== second) errors[name] = ['is invalid']
  return given === second ? second : first
}

const NOT_A_NAME = 'Invalid zero-length delimited identifier or name'

function parseTable(text: string, errors: Record<string, string[]>): { schema: string; table: string } | undefined {
  const names = identifiers(text, '.')
  if (text === '') errors['table'] = ["can't be blank"]
  else if (!names || names.length > 2) errors['table'] = [NOT_A_NAME]
  const [first = '', second] = names ?? []
  return second === undefined ? { schema: 'public', table: first } : { schema: first, table: second }
}

function parseColumns(text: string | undefined, errors: Record<string, string[]>): string[] | undefined {
  if (text === undefined) return undefined
  const columns = identifiers(text, ',')
  if (!columns) errors['columns'] = [NOT_A_NAME]
  return columns
}

/** Names between separators; unquoted ones fold to lower case as in Postgres. Undefined when it is no such list. */
function identifiers(text: string, separator: string): string[] | undefined {
  const names: string[] = []
  for (let at = 0; ; at += 1) {
    while (text[at] === ' ') at += 1
    IDENTIFIER.lastIndex = at
    const raw = IDENTIFIER.exec(text)?.[0]
    if (raw === undefined) return undefined
    names.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw.toLowerCase())
    at += raw.length
    while (text[at] === ' ') at += 1
    if (at >= text.length) return names
    if (text[at] !== separator) return undefined
  }
}

/** `params[1]=…`, or `params={"1": …}`, or `params=[…]`. */
function parseParams(parameters: ReadonlyMap<string, string>): Record<string, string> | undefined {
  const parsed = parseJson(parameters.get('params') ?? '{}')
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const params = paramsOf(Array.isArray(parsed) ? numbered(parsed) : parsed)
  if (!params) return undefined
  for (const [key, value] of parameters) {
    const index = /^params\[(\d{1,4})\]$/.exec(key)?.[1]
    if (index !== undefined) params[index] = value
  }
  return params
}

/** The first is `$1`. */
function numbered(values: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(values.map((value, at) => [String(at + 1), value]))
}
