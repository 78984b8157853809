import type { Row } from './mutator.ts'

/**
 * Last writer wins, field by field: the part of `set` whose clock in `row.field_clock` is not newer than `hlc`, with
 * the clocks moved on. Undefined when everything there is newer. Equal clocks come from one device, in its order
 * (`clampHlc`), so that the later one wins.
 */
export function newerFields(row: Row, set: Row, hlc: string): Row | undefined {
  const clock: Record<string, string> = { ...readClock(row['field_clock']) }
  const changed: Row = {}
  for (const [field, value] of Object.entries(set)) {
    if (value === undefined) continue
    const last = clock[field]
    if (last !== undefined && last > hlc) continue
    changed[field] = value
    clock[field] = hlc
  }
  if (Object.keys(changed).length === 0) return undefined
  return { ...changed, field_clock: clock }
}

function readClock(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
