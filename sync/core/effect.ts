import { rowKeyText, type RowKey, type Write } from '../../shared/kernel/mutator.ts'
import { SHAPES, shapeOfTable } from '../protocol/shapes.ts'
import type { Effect, Pending } from './pending.ts'

/** Key columns of a synced table; of an unknown one, `id`. */
export function keyColumns(table: string): readonly string[] {
  return shapeOfTable(table)?.key ?? ['id']
}

/** The row a write is about. */
export function keyOfWrite(write: Write): RowKey {
  if (write.op === 'update' || write.op === 'delete') return { table: write.table, key: write.key }
  const key = Object.fromEntries(keyColumns(write.table).map((name) => [name, String(write.row[name])]))
  return { table: write.table, key }
}

/** What `writes` amount to, with `reads` for the dependency check. */
export function effectOf(reads: readonly RowKey[], writes: Write[]): Effect {
  const written = writes.map(keyOfWrite)
  const text = ({ table, key }: RowKey) => rowKeyText(table, key)
  return {
    writes,
    creates: writes.filter((write) => write.op === 'insert').map((write) => text(keyOfWrite(write))),
    touches: [...new Set([...reads, ...written].map(text))],
    tables: [...new Set(written.map(({ table }) => table))],
  }
}

/**
 * A mutation's effect after one more replay: what it writes now, and everything that it ever touched. It may touch more
 * when rows have arrived that it found missing before. Undefined when nothing is new.
 */
export function widened(before: Effect | undefined, now: Effect): Effect | undefined {
  if (!before) return now
  const both = (one: readonly string[], other: readonly string[]) => [...new Set([...one, ...other])]
  const effect: Effect = {
    writes: now.writes,
    creates: both(before.creates, now.creates),
    touches: both(before.touches, now.touches),
    tables: both(before.tables, now.tables),
  }
  return JSON.stringify(effect) === JSON.stringify(before) ? undefined : effect
}

/**
 * Queued mutations that rest on rows made by `refused`, directly or through each other. They cannot succeed: a
 * message of a chat that the server refused has nowhere to go.
 */
export function dependants(refused: Pending, outbox: readonly Pending[]): Pending[] {
  const lost = new Set(madeIds(refused))
  if (lost.size === 0) return []
  const found: Pending[] = []
  for (const item of [...outbox].sort((a, b) => a.seq - b.seq)) {
    if (item.seq <= refused.seq || item.outcome !== undefined) continue
    if (!mentionedIds(item).some((id) => lost.has(id))) continue
    found.push(item)
    for (const id of madeIds(item)) lost.add(id)
  }
  return found
}

/** Message ids that `item` makes on this device. */
export function newMessageIds(item: Pending): string[] {
  if (item.effect) {
    return item.effect.writes
      .filter((write) => write.op === 'insert' && write.table === SHAPES.messages.table)
      .map((write) => keyOfWrite(write).key['id'] ?? '')
  }
  return freshIds(item)
}

/** Ids of rows that `item` makes. */
export function madeIds(item: Pending): string[] {
  return item.effect ? item.effect.creates.flatMap(idsIn) : freshIds(item)
}

/** Ids of everything that `item` speaks of: the rows that it touches, and what its arguments name. */
export function mentionedIds(item: Pending): string[] {
  const named = Object.entries(item.args).filter(([name]) => name === 'id' || name.endsWith('_id'))
  return [...named.map(([, value]) => String(value)), ...(item.effect?.touches ?? [])].flatMap(idsIn)
}

function idsIn(text: string): string[] {
  return text.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []
}

/** Without an effect (no replica to run on): ids in the arguments that were made for this very mutation. */
function freshIds(item: Pending): string[] {
  const acted = Date.parse(item.created_at) - (item.behind_ms ?? 0)
  return Object.entries(item.args).flatMap(([name, value]) => {
    if (typeof value !== 'string' || name.startsWith('parent')) return []
    const made = timeOfId(value)
    return made !== undefined && Math.abs(acted - made) < 5000 ? [value] : []
  })
}

/** Epoch ms in a UUIDv7 (RFC 9562 §5.7: the first 48 bits). */
function timeOfId(id: string): number | undefined {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7/.test(id)) return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}
