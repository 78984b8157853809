import { statfs } from 'node:fs/promises'
import type { Database } from '../kernel/db.ts'
import type { PartStatus } from './health.ts'

/** Less than this on the disk of the embedded database is a reason to act, bytes. */
const LITTLE = 100 * 1024 * 1024

/** Whether the database answers and can write: a full disk lets everybody read, and nobody say anything. */
export class DatabaseHealth {
  readonly #recent_ms: number
  #trouble: { reason: string; at: number } | undefined

  /** A write that failed less than `recent_ms` ago counts as trouble that is still there. */
  constructor(recent_ms = 10_000) {
    this.#recent_ms = recent_ms
  }

  /** A statement failed for want of disk or memory, in whichever pool. */
  note(reason: string): void {
    this.#trouble = { reason, at: Date.now() }
  }

  async status(db: Database): Promise<PartStatus> {
    await this.#tryToWrite(db)
    if (this.#trouble && Date.now() - this.#trouble.at < this.#recent_ms)
      return { state: 'down', reason: this.#trouble.reason }
    return { state: 'up' }
  }

  /** An exported snapshot is a small file in the database's own folder, gone with the transaction. */
  async #tryToWrite(db: Database): Promise<void> {
    const before = this.#trouble
    try {
      await db.transaction((tx) => tx.query('select pg_export_snapshot()'))
    } catch (error) {
      // This try tells for itself; only others' failures are remembered.
      this.#trouble = before
      throw error
    }
  }
}

/** The disk of the embedded database. */
export async function diskStatus(folder: string): Promise<PartStatus> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= LITTLE) return { state: 'up' }
  return { state: 'degraded', reason: `${Math.floor((bavail * bsize) / 1024 / 1024)} MB left on the disk of ${folder}` }
}
