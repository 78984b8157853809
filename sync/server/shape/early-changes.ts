import type { Commit } from '../replication/transaction.ts'
import type { ShapeChange } from './row-format.ts'

/** What one transaction means to a shape whose snapshot is on its way. */
export interface EarlyTransaction {
  commit: Commit
  changes: ShapeChange[]
}

/** Changes that come while a shape's snapshot is on its way: those that it holds must not follow it. */
export class EarlyChanges {
  private transactions: EarlyTransaction[] = []

  add(commit: Commit, changes: ShapeChange[]): void {
    const last = this.transactions.at(-1)
    // A big transaction comes in parts.
    if (last?.commit.lsn === commit.lsn) last.changes.push(...changes)
    else this.transactions.push({ commit, changes })
  }

  /** Forgets a transaction that has not come to its end. */
  takeBack(lsn: bigint): void {
    this.transactions = this.transactions.filter(({ commit }) => commit.lsn !== lsn)
  }

  /** Hands over the transactions that are not in the snapshot. */
  takeUnless(isInSnapshot: (commit: Commit) => boolean): EarlyTransaction[] {
    const taken = this.transactions.filter(({ commit }) => !isInSnapshot(commit))
    this.clear()
    return taken
  }

  clear(): void {
    this.transactions = []
  }
}
