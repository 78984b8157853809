import pg from 'pg'
import type { Commit, Tuple } from '../replication/transaction.ts'
import type { ShapeChange } from './row-format.ts'
import type { ShapeLog } from './shape-log.ts'
import type { TableColumn } from './table.ts'

interface Job {
  commit: Commit
  changes: ShapeChange[]
}

interface Queue {
  jobs: Job[]
  /** The shape has applied everything up to here. */
  lsn: bigint
}

export interface FilterEvents {
  /** `before` and `after` of the changes are filled in. Settles when the shape has them for good. */
  decided: (shape: ShapeLog, commit: Commit, changes: ShapeChange[]) => Promise<void>
  giveUp: (shape: ShapeLog, reason: string) => void
}

/** Connections that broke, resources that ran out, a server that stops or starts. */
const AWAY = /^(?:08|53|57P)/
const AGAIN_MS = 250

/** Transactions that may wait for Postgres' decision in one shape. */
const MAX_QUEUE = 10_000

/**
 * Decides conditions that are more than one equality, by asking Postgres itself: exact semantics, at a round trip a
 * transaction and shape. Each shape has its own queue, so that it holds up nobody else.
 */
export class FilterInPostgres {
  private readonly queues = new Map<ShapeLog, Queue>()
  private readonly db: pg.Pool
  private readonly events: FilterEvents

  constructor(db: pg.Pool, events: FilterEvents) {
    this.db = db
    this.events = events
  }

  /** Transactions from this LSN on are not decided in every shape; undefined when nothing waits. */
  get undecidedFrom(): bigint | undefined {
    let oldest: bigint | undefined
    for (const { jobs } of this.queues.values()) {
      const lsn = jobs[0]?.commit.lsn
      if (lsn !== undefined && (oldest === undefined || lsn < oldest)) oldest = lsn
    }
    return oldest
  }

  /** How far the shape is while transactions wait for a decision; undefined when none does. */
  lsnOf(shape: ShapeLog): bigint | undefined {
    return this.queues.get(shape)?.lsn
  }

  /** `before` is the LSN up to which the shape was complete when nothing waited. */
  enqueue(shape: ShapeLog, commit: Commit, changes: ShapeChange[], before: bigint): void {
    const queue = this.queues.get(shape)
    if (queue) {
      queue.jobs.push({ commit, changes })
      if (queue.jobs.length > MAX_QUEUE) this.events.giveUp(shape, 'its filter is too slow')
      return
    }
    const started: Queue = { jobs: [{ commit, changes }], lsn: before }
    this.queues.set(shape, started)
    void this.run(shape, started)
  }

  forget(shape: ShapeLog): void {
    this.queues.delete(shape)
  }

  private async run(shape: ShapeLog, queue: Queue): Promise<void> {
    try {
      for (let job = queue.jobs[0]; job; job = queue.jobs[0]) {
        const done = await this.decide(shape, job.changes).then(
          () => true,
          (error: unknown) => this.mayHeal(error),
        )
        if (this.queues.get(shape) !== queue) return
        if (!done) continue
        await this.events.decided(shape, job.commit, job.changes)
        if (this.queues.get(shape) !== queue) return
        queue.jobs.shift()
        queue.lsn = job.commit.lsn
      }
      this.queues.delete(shape)
    } catch (error) {
      // Without a decision the log would have a hole.
      this.events.giveUp(
        shape,
        `its filter could not be decided: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  /** A database that is away for a moment decides later; the transactions wait. Throws what will not pass. */
  private async mayHeal(error: unknown): Promise<false> {
    if (error instanceof pg.DatabaseError && !AWAY.test(error.code ?? '')) throw error
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    return false
  }

  private async decide(shape: ShapeLog, changes: ShapeChange[]): Promise<void> {
    const { filter, format } = shape.definition
    if (filter.kind !== 'sql') throw new Error('this filter needs no decision')
    const columns = format.table.columns.filter((column) => filter.columns.includes(column.name))
    const rows = changes.flatMap(({ change }) =>
      [change.old, change.new].filter((row): row is Tuple => row !== undefined),
    )
    const relation = changes[0]?.change.relation
    const values = columns.map((column) => {
      const at = relation?.columns.findIndex((other) => other.name === column.name) ?? -1
      return rows.map((row) => row[at] ?? null)
    })
    const { rows: answers } = await this.db.query<{ yes: boolean | null }>(decision(filter.condition, columns), [
      rows.length,
      ...values,
    ])
    let next = 0
    for (const item of changes) {
      item.before = item.change.old !== undefined && answers[next++]?.yes === true
      item.after = item.change.new !== undefined && answers[next++]?.yes === true
    }
  }
}

/** Rows rebuilt from arrays of texts, one array a column, and the condition asked of each. */
function decision(condition: string, columns: readonly TableColumn[]): string {
  const cells = columns.map((column, at) => {
    const collate = column.collation ? ` collate ${column.collation}` : ''
    return `(($${at + 2}::text[])[r.i])::${column.sqlType}${collate} as ${pg.escapeIdentifier(column.name)}`
  })
  return `select (${condition}) as yes from generate_series(1, $1::int) r(i) cross join lateral (select ${cells.join(', ')}) t order by r.i`
}
