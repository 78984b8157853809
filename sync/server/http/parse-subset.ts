import type { SubsetRequest } from '../shape/define-subset.ts'
import type { Reasons } from '../shape/invalid-shape.ts'
import { paramsOf, parseJson } from './parse-params.ts'

export type ParsedSubset = { subset: SubsetRequest | undefined } | { errors: Reasons }

const MAX_COUNT = 1_000_000_000

/**
 * What `subset__where`, `subset__params`, `subset__order_by`, `subset__limit` and `subset__offset` ask for. The twins
 * `…_expr` say the same in another form, and are left out. Undefined when nothing asks for a subset.
 */
export function parseSubset(parameters: ReadonlyMap<string, string>): ParsedSubset {
  if (![...parameters.keys()].some((name) => name.startsWith('subset__'))) return { subset: undefined }
  const errors: Record<string, string[]> = {}
  const text = (name: string): string | undefined => parameters.get(`subset__${name}`) || undefined
  const count = (name: string, least: number, words: string): number | undefined => {
    const given = text(name)
    if (given === undefined) return undefined
    if (!/^\d{1,10}$/.test(given) || Number(given) > MAX_COUNT) errors[name] = ['is invalid']
    else if (Number(given) < least) errors[name] = [words]
    return Number(given)
  }
  const limit = count('limit', 1, 'must be greater than 0')
  const offset = count('offset', 0, 'must be greater than or equal to 0')
  const orderBy = text('order_by')
  if ((limit !== undefined || offset !== undefined) && orderBy === undefined)
    errors['order_by'] = ['order_by is required when limit or offset is present']
  const params = parseParams(text('params') ?? '{}')
  if (!params) errors['params'] = ['params must be a JSON object']
  if (!params || Object.keys(errors).length > 0) return { errors: { subset: errors } }
  return { subset: { where: text('where'), params, orderBy, limit, offset } }
}

function parseParams(text: string): Record<string, string> | undefined {
  const parsed = parseJson(text)
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? paramsOf(parsed) : undefined
}

const SUBSET_KEYS = new Set(['where', 'params', 'limit', 'offset', 'order_by', 'where_expr', 'order_by_expr'])

/** Adds what a POST's JSON body says: of a subset, at its top or under `subset`, and of the shape. */
export function withBody(parameters: ReadonlyMap<string, string>, body: unknown): Map<string, string> {
  const all = new Map(parameters)
  if (typeof body !== 'object' || body === null) return all
  const nested = 'subset' in body && typeof body.subset === 'object' && body.subset !== null ? body.subset : undefined
  for (const [name, value] of Object.entries(nested ?? {})) set(all, `subset__${name}`, value)
  for (const [name, value] of Object.entries(body)) {
    if (nested === undefined && SUBSET_KEYS.has(name)) set(all, `subset__${name}`, value)
    else if (name !== 'subset') set(all, name, value)
  }
  return all
}

function set(all: Map<string, string>, name: string, value: unknown): void {
  if (value === null || value === undefined) return
  all.set(name, typeof value === 'string' ? value : JSON.stringify(value))
}
