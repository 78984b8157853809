import type { Commit } from '../replication/transaction.ts'
import type { Visibility } from './snapshot-visibility.ts'

const CAPACITY = 16_384

/**
 * The last transactions that came from the slot.
 *
 * A commit is in the write-ahead log, and may reach us, before other sessions see it (longer with synchronous
 * standbys). A shape registered after such a commit, with a snapshot taken before it became visible, would miss it on
 * both ways; here that is noticed, and the snapshot taken again.
 */
export class RecentTransactions {
  private readonly xids = new Uint32Array(CAPACITY)
  private readonly lsns = new BigUint64Array(CAPACITY)
  private count = 0

  add({ xid, lsn }: Commit): void {
    this.xids[this.count % CAPACITY] = xid
    this.lsns[this.count % CAPACITY] = lsn
    this.count += 1
  }

  /** Whether a transaction up to `until` is missing from the snapshot. */
  hasUnseen(snapshot: Visibility, until: bigint): boolean {
    const xmax = Number(snapshot.xmax & 0xffff_ffffn)
    const running = new Set([...snapshot.running].map((xid) => Number(xid & 0xffff_ffffn)))
    for (let at = 0; at < Math.min(this.count, CAPACITY); at += 1) {
      const xid = this.xids[at] ?? 0
      // Signed difference: transaction ids wrap around.
      const notSeen = ((xid - xmax) | 0) >= 0 || running.has(xid)
      if (notSeen && (this.lsns[at] ?? 0n) <= until) return true
    }
    return false
  }
}
