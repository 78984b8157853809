import pg from 'pg'
import type { Transaction, Tuple } from '../replication/transaction.ts'
import type { ShapeChange } from './row-format.ts'
import type { ShapeLog } from './shape-log.ts'
import type { TableColumn } from './table.ts'

interface Job {
  transaction: Transaction
  changes: ShapeChange[]
}

interface Queue {
  jobs: Job[]
  /** The shape has applied everything up to here. */
  lsn: bigint
}

/** Transactions that may wait for Postgres' decision in one shape. */
const MAX_QUEUE = 10_000

/**
 * Decides conditions that are more than one equality, by asking Postgres itself: exact semantics, at a round trip a
 * transaction and shape. Each shape has its own queue, so that it holds up nobody else.
 */
export class FilterInPostgres {
  private readonly queues = new Map<ShapeLog, Queue>()
  private readonly db: pg.Pool
  private readonly giveUp: (shape: ShapeLog, reason: string) => void

  constructor(db: pg.Pool, giveUp: (shape: ShapeLog, reason: string) => void) {
    this.db = db
    this.giveUp = giveUp
  }

  /** How far the shape is while transactions wait for a decision; undefined when none does. */
  lsnOf(shape: ShapeLog): bigint | undefined {
    return this.queues.get(shape)?.lsn
  }

  /** `before` is the LSN up to which the shape was complete when nothing waited. */
  enqueue(shape: ShapeLog, transaction: Transaction, changes: ShapeChange[], before: bigint): void {
    const queue = this.queues.get(shape)
    if (queue) {
      queue.jobs.push({ transaction, changes })
      if (queue.jobs.length > MAX_QUEUE) this.giveUp(shape, 'its filter is too slow')
      return
    }
    const started: Queue = { jobs: [{ transaction, changes }], lsn: before }
    this.queues.set(shape, started)
    void this.run(shape, started)
  }

  forget(shape: ShapeLog): void {
    this.queues.delete(shape)
  }

  private async run(shape: ShapeLog, queue: Queue): Promise<void> {
    try {
      for (let job = queue.jobs[0]; job; job = queue.jobs[0]) {
        await this.decide(shape, job.changes)
        if (this.queues.get(shape) !== queue) return
        queue.jobs.shift()
        queue.lsn = job.transaction.lsn
        shape.append(job.transaction, job.changes)
      }
      this.queues.delete(shape)
    } catch (error) {
      // Without a decision the log would have a hole.
      this.giveUp(shape, `its filter could not be decided: ${error instanceof Error ? error.message : String(error)}`)
    }
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
