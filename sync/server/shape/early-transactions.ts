import type { Commit } from '../replication/transaction.ts'
import { holds, type Visibility } from './snapshot-visibility.ts'

/**
 * Transactions that were written to a shape's log before it was known what its snapshot sees. Only which they are is
 * held here: a snapshot may wait its turn for long, and what is written meanwhile may be of any size.
 */
export class EarlyTransactions {
  private commits: Commit[] = []

  add({ lsn, xid }: Commit): void {
    // A big transaction comes in parts.
    if (this.commits.at(-1)?.lsn !== lsn) this.commits.push({ lsn, xid })
  }

  /** Forgets a transaction that has not come to its end. */
  takeBack(lsn: bigint): void {
    this.commits = this.commits.filter((commit) => commit.lsn !== lsn)
  }

  /** LSNs of those that the snapshot holds. */
  heldBy(snapshot: Visibility): bigint[] {
    return this.commits.filter((commit) => holds(snapshot, commit)).map(({ lsn }) => lsn)
  }
}
