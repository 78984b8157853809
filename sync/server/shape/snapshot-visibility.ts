import { formatLsn, parseLsn } from '../replication/lsn.ts'

/** What a snapshot of the database sees (`pg_current_snapshot()`), with 64-bit transaction ids. */
export interface Visibility {
  xmin: bigint
  xmax: bigint
  running: ReadonlySet<bigint>
  /** End of the log when the snapshot was taken: what commits behind it is certainly not in the snapshot. */
  lsn: bigint
}

/** Reads `xmin:xmax:xip,…` and an LSN taken after it. */
export function parseVisibility(snapshot: string, lsn: string): Visibility {
  const [xmin, xmax, running] = snapshot.split(':')
  return {
    xmin: BigInt(xmin ?? '0'),
    xmax: BigInt(xmax ?? '0'),
    running: new Set((running ?? '').split(',').filter(Boolean).map(BigInt)),
    lsn: parseLsn(lsn),
  }
}

/** The two texts that `parseVisibility` reads. */
export function formatVisibility({ xmin, xmax, running, lsn }: Visibility): { snapshot: string; lsn: string } {
  return { snapshot: `${xmin}:${xmax}:${[...running].join(',')}`, lsn: formatLsn(lsn) }
}

/** Whether the effects of the transaction with this 32-bit id are in the snapshot. */
export function isVisible(snapshot: Visibility, xid: number): boolean {
  const full = widen(xid, snapshot.xmax)
  if (full < snapshot.xmin) return true
  return full < snapshot.xmax && !snapshot.running.has(full)
}

/** pgoutput carries the low 32 bits; the whole id is the one nearest to a known one. */
function widen(xid: number, near: bigint): bigint {
  const full = ((near >> 32n) << 32n) | BigInt(xid)
  if (full > near + 0x8000_0000n) return full - 0x1_0000_0000n
  if (full + 0x8000_0000n < near) return full + 0x1_0000_0000n
  return full
}

/** Electric's closing message of a snapshot; the numbers are masked to 32 bits, as clients compare them with `txids`. */
export function snapshotEnd(snapshot: Visibility): string {
  const low = (xid: bigint): string => String(xid & 0xffff_ffffn)
  return JSON.stringify({
    headers: {
      control: 'snapshot-end',
      xmin: low(snapshot.xmin),
      xmax: low(snapshot.xmax),
      xip_list: [...snapshot.running].map(low),
    },
  })
}
