import { isVisible, type SnapshotSight } from '../../core/snapshot-visibility.ts'
import type { Commit } from '../replication/transaction.ts'
import { formatLsn, parseLsn } from '../replication/lsn.ts'

/** What a snapshot of the database sees, and when it was taken. */
export interface Visibility extends SnapshotSight {
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

/** Whether a snapshot holds what a transaction did. */
export function holds(snapshot: Visibility, { lsn, xid }: Commit): boolean {
  return lsn <= snapshot.lsn && isVisible(snapshot, xid)
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
