import { byteLength, CAPS } from '../kernel/caps.ts'
import { sameJson } from '../kernel/same-json.ts'

/** Name and version of the saves that `joinSaves` knows. */
export const DRAFT_SAVE = { name: 'draft.update', version: 2 } as const

/** A save and what it started from travel together, in one push. */
export const MOST_SAVE_BYTES = CAPS.push * 0.75

type Args = Record<string, unknown>

/**
 * Two saves of one draft as one, when the later goes on exactly where the earlier ended: it comes to what both would
 * come to, and to the same conflicts, because each field still starts from what its author had seen. Undefined when
 * they must stay two.
 */
export function joinSaves(earlier: Args, later: Args): Args | undefined {
  const [set, base] = [fieldsOf(earlier['set']), fieldsOf(earlier['base'])]
  const [laterSet, laterBase] = [fieldsOf(later['set']), fieldsOf(later['base'])]
  const fields = [...new Set([...Object.keys(set), ...Object.keys(laterSet)])]
  const goesOn = fields.every((field) => {
    const [based, laterBased] = [Object.hasOwn(base, field), Object.hasOwn(laterBase, field)]
    // without a base the clock decides: the joined save has the later one, which only what the later says may have
    if (!Object.hasOwn(laterSet, field)) return based
    if (!Object.hasOwn(set, field)) return true
    return based ? laterBased && sameJson(laterBase[field], set[field]) : !laterBased
  })
  if (earlier['id'] !== later['id'] || !goesOn) return undefined
  const joined = { ...later, set: { ...set, ...laterSet }, base: { ...laterBase, ...base } }
  return byteLength(JSON.stringify(joined)) < MOST_SAVE_BYTES ? joined : undefined
}

function fieldsOf(value: unknown): Args {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
