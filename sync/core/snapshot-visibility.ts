/**
 * What a snapshot of the database sees, as Postgres says it (`pg_current_snapshot()`), in 64-bit transaction ids. Rows
 * read from a snapshot and the log of changes meet by it: a change whose transaction the snapshot sees is in its rows.
 */
export interface SnapshotSight {
  xmin: bigint
  xmax: bigint
  running: ReadonlySet<bigint>
}

/** Whether the effects of the transaction with this 32-bit id (`txids` of a change) are in the snapshot. */
export function isVisible(snapshot: SnapshotSight, xid: number): boolean {
  const full = widen(xid, snapshot.xmax)
  if (full < snapshot.xmin) return true
  return full < snapshot.xmax && !snapshot.running.has(full)
}

/** The log carries the low 32 bits; the whole id is the one nearest to a known one. */
function widen(xid: number, near: bigint): bigint {
  const full = ((near >> 32n) << 32n) | BigInt(xid)
  if (full > near + 0x8000_0000n) return full - 0x1_0000_0000n
  if (full + 0x8000_0000n < near) return full + 0x1_0000_0000n
  return full
}
