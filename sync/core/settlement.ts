import type { Change } from './fold-changes.ts'
import type { Pending } from './pending.ts'

/** How far one shape of this device has come. */
export interface ShapeCursor {
  table: string
  /** Commit LSN (decimal text) up to which the shape is complete; null before the first batch. */
  lsn: string | null
  /** Being loaded anew: what it holds is old until that ends. */
  refetching: boolean
}

/**
 * Mutations that may leave the overlay, in order: decided by the server, covered by an ack at LSN L, and every
 * active shape on the tables they wrote has reached L. Without an active ack shape, the server's answer is enough.
 * A mutation waits for earlier ones that touch the same rows, or may touch any, or its effect would vanish under theirs.
 */
export function settled(outbox: readonly Pending[], cursors: readonly ShapeCursor[], ackTable: string): Pending[] {
  const acks = cursors.some((cursor) => cursor.table === ackTable)
  const held = new Set<string>()
  const leaving: Pending[] = []
  let holdsAll = false
  for (const item of [...outbox].sort((a, b) => a.seq - b.seq)) {
    const keys = item.effect?.touches ?? []
    if (!holdsAll && !keys.some((key) => held.has(key)) && mayLeave(item, cursors, acks)) {
      leaving.push(item)
      continue
    }
    holdsAll ||= item.effect === undefined && cursors.length > 0
    for (const key of keys) held.add(key)
  }
  return leaving
}

function mayLeave(item: Pending, cursors: readonly ShapeCursor[], acks: boolean): boolean {
  if (item.outcome === undefined) return false
  const touched = cursors.filter((cursor) => touches(item, cursor))
  if (touched.length === 0 || !acks) return true
  const lsn = item.lsn
  return lsn !== undefined && touched.every((cursor) => reached(cursor, lsn))
}

/** What was written down while no replica was there to run it on may have touched anything. */
function touches({ effect }: Pending, { table }: ShapeCursor): boolean {
  return effect === undefined || effect.tables.includes(table)
}

/** Tables whose shapes keep a decided mutation waiting: refreshing them settles it without waiting for a poll's end. */
export function lagging(outbox: readonly Pending[], cursors: readonly ShapeCursor[]): string[] {
  const tables = new Set<string>()
  for (const item of outbox) {
    const { lsn, outcome } = item
    if (lsn === undefined || outcome === undefined) continue
    for (const cursor of cursors) {
      if (touches(item, cursor) && !cursor.refetching && !reached(cursor, lsn)) tables.add(cursor.table)
    }
  }
  return [...tables]
}

/** How far a shape is after a batch: never back, but for one loaded anew, which is as far as its new rows. */
export function advanced(before: string | null, batch: { lsn: string | null; refetch: boolean }): string | null {
  if (batch.refetch || before === null) return batch.lsn
  return batch.lsn === null || BigInt(before) >= BigInt(batch.lsn) ? before : batch.lsn
}

function reached(cursor: ShapeCursor, lsn: string): boolean {
  return !cursor.refetching && cursor.lsn !== null && BigInt(cursor.lsn) >= BigInt(lsn)
}

/** Whether an ack at `lsn` would be news for a mutation. */
export function awaitsAck({ lsn }: Pending, at: string): boolean {
  return lsn === undefined || BigInt(lsn) > BigInt(at)
}

/**
 * LSNs that a batch of the `acks` shape gives to mutations of this device: the first ack at or past a mutation's
 * `seq` was committed with or after its effects. A row from a snapshot has no LSN of its own; `lsn` of the batch
 * stands in, which can only settle later, never too early. An ack before the LSN that a mutation has been given shows
 * that the LSN is of another WAL.
 */
export function coveredBy(
  outbox: readonly Pending[],
  changes: readonly Change[],
  device_id: string,
  lsn: string | null,
): { item: Pending; lsn: string }[] {
  const open = new Map(outbox.map((item) => [item.id, item]))
  const covered: { item: Pending; lsn: string }[] = []
  for (const change of changes) {
    const last = change.row['last_seq']
    const at = change.lsn ?? lsn
    if (change.op === 'delete' || change.row['device_id'] !== device_id || !last || at === null) continue
    for (const item of open.values()) {
      if (item.seq > Number(last)) continue
      if (awaitsAck(item, at)) covered.push({ item, lsn: at })
      open.delete(item.id)
    }
  }
  return covered
}
