import { toAppError } from '../../../shared/kernel/errors.ts'
import type { RelationMessage } from '../replication/pgoutput.ts'
import type { TransactionPart } from '../replication/transaction.ts'
import type { DatabasePools } from '../database-pools.ts'
import type { SyncLog } from '../sync-log.ts'
import { cleanOldestSegment, liveBytes } from '../storage/clean-segments.ts'
import type { FrameLog, Place } from '../storage/frame-log.ts'
import { FrameBuilder, type LogOrigin } from '../storage/records.ts'
import type { RecoveredLog, StoredShape } from '../storage/recover.ts'
import { matchesRelation, type Catalog } from './catalog.ts'
import { shapesToEvict } from './eviction.ts'
import { FilterInPostgres } from './filter-in-postgres.ts'
import { newHandle } from './handle.ts'
import { loadShape } from './load-shape.ts'
import { isLong, longestLog } from './log-length.ts'
import type { Offset } from './offset.ts'
import { readSubsetRows } from './read-snapshot.ts'
import { RecentTransactions } from './recent-transactions.ts'
import { reviveShape } from './revive-shape.ts'
import type { RowSelection } from './select-rows.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { ShapeLog } from './shape-log.ts'
import { describeShape } from './shape-records.ts'
import { ShapeRegistry } from './shape-registry.ts'
import { ShapeWriter } from './shape-writer.ts'
import type { StoreLimits } from './store-limits.ts'
import { untilSeen } from './until-seen.ts'

/** Logs of one definition that are kept for those who still read them, besides the current one. */
const OLD_LOGS = 8
/** Segments are cleaned when more than this part of the log is of no use. */
const GARBAGE = 0.5

/** All shapes of one log, fed from one ordered stream of transactions. */
export class ShapeStore {
  readonly writer: ShapeWriter
  private readonly shapes = new ShapeRegistry()
  private readonly recent = new RecentTransactions()
  private readonly filters: FilterInPostgres
  private readonly disk: FrameLog
  private readonly db: DatabasePools
  private readonly catalog: Catalog
  private readonly log: SyncLog
  private readonly limits: StoreLimits
  private origin: LogOrigin | undefined
  private nextNumber: number
  private stored: StoredShape[]
  private closed = false
  private cleaning: Promise<void> | undefined

  constructor(db: DatabasePools, catalog: Catalog, log: SyncLog, limits: StoreLimits, recovered: RecoveredLog) {
    this.db = db
    this.catalog = catalog
    this.log = log
    this.limits = limits
    this.disk = recovered.log
    this.origin = recovered.origin
    this.nextNumber = recovered.nextNumber
    this.stored = recovered.shapes
    this.filters = new FilterInPostgres(db.decisions, {
      decided: (shape, commit, changes) => this.writer.decided(shape, commit, changes),
      giveUp: (shape, reason) => {
        log.warn({ event: 'sync.filter-failed', handle: shape.handle, reason }, 'a filter could not be decided')
        this.drop(shape, reason)
      },
    })
    const drop = (shape: ShapeLog, reason: string): void => this.drop(shape, reason)
    const dropTable = (oid: number, reason: string): void => this.dropTable(oid, reason)
    const { disk, shapes, filters, recent } = this
    const deps = { log: disk, shapes, filters, recent, drop, dropTable }
    this.writer = new ShapeWriter(deps, recovered.lsn, recovered.end)
    if (recovered.cutOff) this.note((frame) => frame.brokenOff(recovered.lsn + 1n))
  }

  get size(): number {
    return this.shapes.size
  }

  /** Bytes of all snapshots and logs. */
  get bytes(): number {
    return liveBytes(this.shapes.all())
  }

  byName(handle: string): ShapeLog | undefined {
    return this.shapes.named(handle)
  }

  /** The log that readers of a definition use now, if there is one. */
  find(definition: ShapeDefinition): ShapeLog | undefined {
    return this.shapes.current(definition)
  }

  /** The log for a reader who starts from nothing: made when there is none, or when the present one has grown long. */
  open(definition: ShapeDefinition): ShapeLog {
    const present = this.shapes.current(definition)
    if (present && !isLong(present)) return present
    const made = this.create(definition)
    for (const old of this.shapes.logsOf(definition).slice(0, -1 - OLD_LOGS)) this.drop(old, 'replaced')
    return made
  }

  /** Rows of a part of the shape as they are now: all changes up to `offset` are in them. */
  subset(shape: ShapeLog, offset: Offset, selection: RowSelection, headers: Record<string, unknown>) {
    const lsn = offset.at === 'log' ? offset.lsn : shape.registeredAt
    return untilSeen(async () => {
      const read = await readSubsetRows(this.db.subsets, shape.definition, selection, headers)
      return this.recent.hasUnseen(read.visibility, lsn) ? undefined : read
    })
  }

  /** The messages at places of the log. */
  contents(places: readonly Place[]): Buffer[] | Promise<Buffer[]> {
    return places.length === 0 ? [] : this.disk.read(places)
  }

  /** The log has never followed a database. */
  get isNew(): boolean {
    return this.origin === undefined
  }

  /** Whether the log is of this database. */
  follows(origin: LogOrigin): boolean {
    return JSON.stringify(this.origin) === JSON.stringify(origin)
  }

  /** Begins a new log behind `point`. A commit record may begin exactly there, and must count as later. */
  begin(origin: LogOrigin, point: bigint): void {
    this.origin = origin
    this.note((frame) => frame.origin(origin))
    this.writer.advance(point)
  }

  /** Takes up the shapes of the log. Before the first transaction, with a connection to the database. */
  async restore(origin: LogOrigin): Promise<void> {
    const { stored, catalog, limits, writer } = this
    this.stored = []
    if (!this.follows(origin)) return
    const deps = { catalog, db: this.db.decisions, lsn: writer.lsn, chunkSize: limits.chunkSize }
    for (const one of stored) {
      const shape = await reviveShape(one, deps)
      if (shape) this.shapes.add(shape)
      else this.note((frame) => frame.dropped(one.number))
    }
    this.log.info({ event: 'sync.shapes-restored', shapes: this.size, of: stored.length }, 'shapes taken up')
  }

  /** Settles when all that was written so far is durable. */
  settled(): Promise<void> {
    return this.disk.settled()
  }

  apply(part: TransactionPart): void {
    this.writer.apply(part)
  }

  /** A table's layout as the stream has it: shapes made for another layout end. */
  relation(relation: RelationMessage): void {
    this.catalog.check(relation)
    for (const shape of this.shapes.ofTable(relation.oid)) {
      if (!matchesRelation(shape.definition.format.table, relation)) this.drop(shape, 'the table was altered')
    }
  }

  /** Ends every shape: the stream has a gap. */
  dropAll(reason: string): void {
    if (this.size > 0) this.log.warn({ event: 'sync.shapes-dropped', count: this.size, reason }, 'shapes dropped')
    for (const shape of this.shapes.all()) this.drop(shape, reason)
  }

  /** Nothing is added any more. */
  get isClosed(): boolean {
    return this.closed
  }

  /** Lets all readers go; the shapes stay in the log. */
  async close(): Promise<void> {
    this.closed = true
    for (const shape of this.shapes.all()) {
      this.filters.forget(shape)
      shape.drop()
    }
    await this.cleaning?.catch(() => undefined)
    await this.disk.close()
  }

  /** Looks for tables that changed without a row being written since. */
  async reconcile(): Promise<void> {
    const tables = new Set([...this.shapes.all()].map((shape) => shape.definition.format.table))
    for (const table of await this.catalog.changed([...tables])) {
      for (const shape of this.shapes.ofTable(table.oid))
        if (shape.definition.format.table === table) this.drop(shape, 'the table was altered')
    }
  }

  /** Ends a shape on request. */
  remove(shape: ShapeLog): void {
    this.drop(shape, 'removed')
  }

  /** Shortens what is long, and lets go what nobody reads or there is no room for. */
  evict(now = Date.now()): void {
    for (const shape of this.shapes.all())
      if (shape.trim(longestLog(shape, this.limits.longLog))) this.note((frame) => this.describe(frame, shape))
    for (const shape of shapesToEvict(this.shapes, this.limits, this.bytes, now))
      this.drop(shape, 'not read for a while')
  }

  /** Gives space back to the disk when much of the log is of no use any more. */
  clean(): Promise<void> {
    this.cleaning ??= this.cleanSegments().finally(() => (this.cleaning = undefined))
    return this.cleaning
  }

  private async cleanSegments(): Promise<void> {
    for (let left = this.disk.segmentNumbers.length - 1; left > 0; left -= 1) {
      if (this.disk.size * (1 - GARBAGE) <= this.bytes) return
      await cleanOldestSegment({
        log: this.disk,
        shapes: () => this.shapes.all(),
        describe: (frame, shape) => this.describe(frame, shape),
        closing: (frame) => {
          if (this.origin) frame.origin(this.origin)
          frame.committed(this.writer.lsn, this.writer.position)
        },
      })
    }
  }

  private describe(frame: FrameBuilder, shape: ShapeLog): void {
    describeShape(frame, shape, this.writer.completeTo(shape))
  }

  private create(definition: ShapeDefinition): ShapeLog {
    const { limits, writer, disk, filters, recent } = this
    if (this.size >= limits.maxShapes) this.evict()
    const number = this.nextNumber++
    const shape = new ShapeLog(number, newHandle(definition.id), definition, writer.registerAt, limits.chunkSize)
    this.shapes.add(shape)
    const deps = { db: this.db.snapshots, disk, writer, filters, recent, chunkSize: limits.chunkSize }
    loadShape(shape, deps).catch((error: unknown) => {
      // The likeliest reason is a column that is gone.
      this.catalog.forget(definition.format.table)
      this.drop(shape, 'its snapshot failed', error)
    })
    return shape
  }

  private dropTable(oid: number, reason: string): void {
    for (const shape of this.shapes.ofTable(oid)) this.drop(shape, reason)
  }

  private drop(shape: ShapeLog, reason: string, failure?: unknown): void {
    if (!this.shapes.remove(shape)) return
    this.filters.forget(shape)
    if (shape.state !== 'loading') this.note((frame) => frame.dropped(shape.number))
    shape.drop(failure)
    if (failure === undefined) return
    const error = toAppError(failure).message
    this.log.warn({ event: 'sync.shape-failed', handle: shape.handle, reason, error }, 'shape failed')
  }

  /** Writes records that nobody waits for. */
  private note(write: (frame: FrameBuilder) => void): void {
    const frame = new FrameBuilder()
    write(frame)
    this.disk.append(frame.parts)
  }
}
