import type { PGliteInterface } from '@electric-sql/pglite'
import type { Change } from '../core/fold-changes.ts'

/** Below these numbers of rows nothing is worth while. */
const FEW_ROWS = 500
const MANY_DEAD = 2000
/** Statistics are made again when the rows have grown or changed by this part. */
const GROWTH = 0.2
/** Log since the last checkpoint, bytes: it is on the disk, and is read at each start. */
const MUCH_LOG = 8 << 20
/** Nothing has come for so long, ms. */
const IDLE_MS = 5000

/**
 * What a database server's background processes do elsewhere: nothing here runs by itself. Asked for now and then; does
 * what is due when nothing is coming in.
 */
export class Upkeep {
  readonly #pg: PGliteInterface
  /** Rows when statistics were made. */
  #rows = 0
  #written = 0
  #dead = 0
  #last = 0

  constructor(pg: PGliteInterface) {
    this.#pg = pg
  }

  note(changes: readonly Change[]): void {
    this.#last = Date.now()
    this.#written += changes.length
    this.#dead += changes.filter(({ op }) => op !== 'insert').length
  }

  /** Rows that were deleted beside the log. */
  noteGone(rows: number): void {
    this.#dead += rows
  }

  /** Without statistics the first plans over a full replica take seconds instead of milliseconds. */
  async analyze(): Promise<void> {
    await this.#pg.exec('analyze')
    const { rows } = await this.#pg.query<{ rows: number }>(
      'select coalesce(sum(greatest(reltuples, 0)), 0)::int as rows from pg_class where relname like $1',
      ['%\\_synced'],
    )
    this.#rows = rows[0]?.rows ?? 0
    this.#written = 0
  }

  /** Answers with what was done. Each is a statement of its own: VACUUM can share none. */
  async run(now = Date.now()): Promise<('analyze' | 'vacuum' | 'checkpoint')[]> {
    if (now - this.#last < IDLE_MS) return []
    const done: ('analyze' | 'vacuum' | 'checkpoint')[] = []
    if (this.#written > Math.max(FEW_ROWS, this.#rows * GROWTH)) {
      await this.analyze()
      done.push('analyze')
    }
    if (this.#dead > Math.max(MANY_DEAD, this.#rows * GROWTH)) {
      await this.#pg.exec('vacuum')
      this.#dead = 0
      done.push('vacuum')
    }
    if ((await this.#logSinceCheckpoint()) > MUCH_LOG) {
      await this.#pg.exec('checkpoint')
      done.push('checkpoint')
    }
    return done
  }

  async #logSinceCheckpoint(): Promise<number> {
    const { rows } = await this.#pg.query<{ bytes: number }>(
      'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::float8 as bytes from pg_control_checkpoint()',
    )
    return rows[0]?.bytes ?? 0
  }
}
