import { operationalError } from '../../../shared/kernel/errors.ts'
import type { RelationMessage } from '../replication/pgoutput.ts'
import type { Transaction } from '../replication/transaction.ts'
import type { DatabasePools } from '../database-pools.ts'
import type { SyncLog } from '../sync-log.ts'
import { matchesRelation, type Catalog } from './catalog.ts'
import { FilterInPostgres } from './filter-in-postgres.ts'
import { newHandle } from './handle.ts'
import { readSnapshot } from './read-snapshot.ts'
import { RecentTransactions } from './recent-transactions.ts'
import { Router } from './router.ts'
import type { ShapeChange } from './row-format.ts'
import { ShapeLog, type ShapeDefinition } from './shape-log.ts'

export interface StoreLimits {
  /** Characters in one chunk of a snapshot or log. */
  chunkSize: number
  maxShapes: number
  /** Characters of all snapshots and logs together. */
  maxSize: number
  /** A shape that nobody has read for this long may go. */
  idleMs: number
}

export const DEFAULT_LIMITS: StoreLimits = {
  chunkSize: 10 * 1024 * 1024,
  maxShapes: 100_000,
  maxSize: 512 * 1024 * 1024,
  idleMs: 24 * 3_600_000,
}

/** A log this much longer than the rows it leads to is not worth replaying to a new reader. */
const LONG_LOG = { entries: 1000, timesRows: 4 }
/** Logs of one definition that are kept for those who still read them, besides the current one. */
const OLD_LOGS = 3
const SNAPSHOT_ATTEMPTS = 20

/** All shapes, fed from one ordered stream of transactions. */
export class ShapeStore {
  /** LSN of the last transaction that every hash-routed shape has; rises only. */
  lsn = 0n
  private readonly current = new Map<string, ShapeLog>()
  private readonly byHandle = new Map<string, ShapeLog>()
  private readonly router = new Router()
  private readonly recent = new RecentTransactions()
  private readonly filters: FilterInPostgres
  private readonly db: DatabasePools
  private readonly catalog: Catalog
  private readonly log: SyncLog
  private readonly limits: StoreLimits

  constructor(db: DatabasePools, catalog: Catalog, log: SyncLog, limits: StoreLimits) {
    this.db = db
    this.catalog = catalog
    this.log = log
    this.limits = limits
    this.filters = new FilterInPostgres(db.decisions, (shape, reason) => {
      this.log.warn({ event: 'sync.filter-failed', handle: shape.handle, reason }, 'a filter could not be decided')
      this.drop(shape, reason)
    })
  }

  get size(): number {
    return this.byHandle.size
  }

  /** Of all snapshots and logs together. */
  get characters(): number {
    let total = 0
    for (const shape of this.byHandle.values()) total += shape.size
    return total
  }

  byName(handle: string): ShapeLog | undefined {
    return this.byHandle.get(handle)
  }

  /** The log that readers of a definition use now, if there is one. */
  find(definition: ShapeDefinition): ShapeLog | undefined {
    return this.current.get(definition.id)
  }

  /** The log for a reader who starts from nothing: made when there is none, or when the present one has grown long. */
  open(definition: ShapeDefinition): ShapeLog {
    const present = this.current.get(definition.id)
    if (present && !isLong(present)) return present
    const made = this.create(definition)
    if (present) this.trimOld(definition)
    return made
  }

  /** What this shape has for certain: it has applied every transaction up to here. */
  lsnOf(shape: ShapeLog): bigint {
    return this.filters.lsnOf(shape) ?? this.lsn
  }

  apply(transaction: Transaction): void {
    // A slot never delivers out of order; were it to, going on would tear holes in every log.
    if (transaction.lsn <= this.lsn) throw new Error('a transaction came out of order')
    for (const table of transaction.broken) this.dropTable(table, 'its log cannot be continued')
    const affected = new Map<ShapeLog, ShapeChange[]>()
    const undecided = new Map<ShapeLog, ShapeChange[]>()
    for (const change of transaction.changes) {
      this.router.route(change, (shape, before, after) => {
        const decided = before !== undefined && after !== undefined
        const map = decided ? affected : undecided
        const list = map.get(shape) ?? []
        map.set(shape, list)
        list.push({ change, before: before ?? false, after: after ?? false })
      })
    }
    this.recent.add(transaction)
    for (const [shape, changes] of undecided) this.filters.enqueue(shape, transaction, changes, this.lsn)
    this.lsn = transaction.lsn
    for (const [shape, changes] of affected) shape.append(transaction, changes)
  }

  /** A table's layout as the stream has it: shapes made for another layout end. */
  relation(relation: RelationMessage): void {
    this.catalog.check(relation)
    for (const shape of this.router.shapesOf(relation.oid)) {
      const { table } = shape.definition.format
      if (!matchesRelation(table, relation)) this.drop(shape, 'the table was altered')
    }
  }

  /** Ends every shape: the stream has a gap. */
  dropAll(reason: string): void {
    if (this.byHandle.size > 0)
      this.log.warn({ event: 'sync.shapes-dropped', count: this.byHandle.size, reason }, 'shapes dropped')
    for (const shape of this.byHandle.values()) this.drop(shape, reason)
  }

  /** Looks for tables that changed without a row being written since. */
  async reconcile(): Promise<void> {
    const tables = new Set([...this.byHandle.values()].map((shape) => shape.definition.format.table))
    for (const table of await this.catalog.changed([...tables])) {
      for (const shape of this.router.shapesOf(table.oid)) {
        if (shape.definition.format.table === table) this.drop(shape, 'the table was altered')
      }
    }
  }

  /** Lets idle shapes go, and the least recently read when there are too many or they are too big. */
  evict(now = Date.now()): void {
    let total = 0
    for (const shape of this.byHandle.values()) total += shape.size
    const idle = [...this.byHandle.values()].filter((shape) => shape.waiting === 0 && shape.state === 'ready')
    idle.sort((a, b) => a.lastReadAt - b.lastReadAt)
    for (const shape of idle) {
      const over = total > this.limits.maxSize || this.byHandle.size > this.limits.maxShapes
      if (!over && now - shape.lastReadAt < this.limits.idleMs) return
      total -= shape.size
      this.drop(shape, 'not read for a while')
    }
  }

  private create(definition: ShapeDefinition): ShapeLog {
    if (this.byHandle.size >= this.limits.maxShapes) this.evict()
    const shape = new ShapeLog(newHandle(definition.id), definition, this.lsn, this.limits.chunkSize)
    this.current.set(definition.id, shape)
    this.byHandle.set(shape.handle, shape)
    this.router.add(shape)
    void this.load(shape)
    return shape
  }

  private async load(shape: ShapeLog): Promise<void> {
    try {
      for (let attempt = 0; shape.state === 'loading'; attempt += 1) {
        const snapshot = await readSnapshot(this.db.snapshots, shape.definition, this.limits.chunkSize)
        if (!this.recent.hasUnseen(snapshot.visibility, shape.registeredAt)) {
          shape.load(snapshot)
          return
        }
        if (attempt === SNAPSHOT_ATTEMPTS)
          throw operationalError('server/unavailable', {}, 'a commit stays invisible to snapshots')
        await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** attempt, 250)))
      }
    } catch (error) {
      // The likeliest reason is a column that is gone.
      this.catalog.forget(shape.definition.format.table)
      this.drop(shape, 'its snapshot failed', error)
    }
  }

  private trimOld(definition: ShapeDefinition): void {
    const all = this.router
      .shapesOf(definition.format.table.oid)
      .filter((shape) => shape.definition.id === definition.id)
    for (const shape of all.slice(0, Math.max(0, all.length - 1 - OLD_LOGS))) this.drop(shape, 'replaced')
  }

  private dropTable(oid: number, reason: string): void {
    for (const shape of this.router.shapesOf(oid)) this.drop(shape, reason)
  }

  private drop(shape: ShapeLog, reason: string, failure?: unknown): void {
    if (this.byHandle.get(shape.handle) !== shape) return
    this.byHandle.delete(shape.handle)
    if (this.current.get(shape.definition.id) === shape) this.current.delete(shape.definition.id)
    this.router.remove(shape)
    this.filters.forget(shape)
    shape.drop(failure)
    if (failure !== undefined)
      this.log.warn(
        { event: 'sync.shape-failed', handle: shape.handle, reason, error: String(failure) },
        'shape failed',
      )
  }
}

function isLong(shape: ShapeLog): boolean {
  return shape.state === 'ready' && shape.length > LONG_LOG.entries && shape.length > LONG_LOG.timesRows * shape.rows
}
