import { operationalError, toAppError } from '../../../shared/kernel/errors.ts'
import type { RelationMessage } from '../replication/pgoutput.ts'
import type { TransactionPart } from '../replication/transaction.ts'
import type { DatabasePools } from '../database-pools.ts'
import type { SyncLog } from '../sync-log.ts'
import { cleanOldestSegment, liveBytes } from '../storage/clean-segments.ts'
import type { FrameLog, Place } from '../storage/frame-log.ts'
import { FrameBuilder, type LogOrigin } from '../storage/records.ts'
import type { RecoveredLog, StoredShape } from '../storage/recover.ts'
import { matchesRelation, type Catalog } from './catalog.ts'
import { defineShape, InvalidShape } from './define-shape.ts'
import { FilterInPostgres } from './filter-in-postgres.ts'
import { newHandle } from './handle.ts'
import type { Offset } from './offset.ts'
import { readSnapshot, readSubsetRows, type SnapshotFacts } from './read-snapshot.ts'
import { RecentTransactions } from './recent-transactions.ts'
import { Router } from './router.ts'
import type { RowSelection } from './select-rows.ts'
import { ShapeLog, type ShapeDefinition } from './shape-log.ts'
import { isShapeSource } from './shape-source.ts'
import { ShapeWriter } from './shape-writer.ts'
import { layoutHash } from './table.ts'

export interface StoreLimits {
  /** Bytes in one chunk of a snapshot or log. */
  chunkSize: number
  maxShapes: number
  /** Bytes that all snapshots and logs may keep on the disk. */
  maxSize: number
  /** A log shorter than this many bytes keeps its beginning, whatever the rows. */
  longLog: number
  /** A shape that nobody has read for this long may go. */
  idleMs: number
  /** A log that another has replaced goes when nobody has read it for this long. */
  replacedMs: number
}

export const DEFAULT_LIMITS: StoreLimits = {
  chunkSize: 10 * 1024 * 1024,
  maxShapes: 100_000,
  maxSize: 2 * 1024 * 1024 * 1024,
  longLog: 4 * 1024 * 1024,
  idleMs: 7 * 24 * 3_600_000,
  replacedMs: 3_600_000,
}

/** A new reader gets a new snapshot when the old one and its log are longer than this many times the rows they lead to. */
const LONGER_THAN_ROWS = 1.25
/** A log shorter than this is never worth a new snapshot. */
const SHORT_LOG_BYTES = 8 * 1024
/** A log without rows to begin with gets a successor when it is longer than this. */
const CHANGES_BYTES = 256 * 1024
/** A log this many times as long as its rows loses its beginning, if it is also long in itself. */
const TRIM_ROWS = 8
/** Logs of one definition that are kept for those who still read them, besides the current one. */
const OLD_LOGS = 8
const SNAPSHOT_ATTEMPTS = 20
/** Segments are cleaned when more than this part of the log is of no use. */
const GARBAGE = 0.5

/** All shapes of one log, fed from one ordered stream of transactions. */
export class ShapeStore {
  readonly writer: ShapeWriter
  private readonly current = new Map<string, ShapeLog>()
  private readonly byHandle = new Map<string, ShapeLog>()
  private readonly router = new Router()
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
    const { disk, router, filters, recent } = this
    const deps = { log: disk, router, filters, recent, drop, dropTable }
    this.writer = new ShapeWriter(deps, recovered.lsn, recovered.end)
    if (recovered.cutOff) this.note((frame) => frame.brokenOff(recovered.lsn + 1n))
  }

  get size(): number {
    return this.byHandle.size
  }

  /** Bytes of all snapshots and logs. */
  get bytes(): number {
    return liveBytes(this.byHandle.values())
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

  /** Rows of a part of the shape as they are now: all changes up to `offset` are in them. */
  async subset(shape: ShapeLog, offset: Offset, selection: RowSelection, headers: Record<string, unknown>) {
    const { definition } = shape
    const lsn = offset.at === 'log' ? offset.lsn : shape.registeredAt
    for (let attempt = 0; attempt < SNAPSHOT_ATTEMPTS; attempt += 1) {
      const read = await readSubsetRows(this.db.subsets, definition, selection, headers)
      if (!this.recent.hasUnseen(read.visibility, lsn)) return read
      await pause(attempt)
    }
    throw operationalError('server/unavailable', {}, 'a commit stays invisible to snapshots')
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
    const { stored } = this
    this.stored = []
    if (!this.follows(origin)) return
    for (const one of stored) {
      const shape = await this.revive(one).catch((error: unknown) => {
        // Only what can never be made again is let go; a database that is away will be asked another time.
        if (error instanceof InvalidShape) return undefined
        throw error
      })
      if (!shape) this.note((frame) => frame.dropped(one.number))
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

  /** Nothing is added any more. */
  get isClosed(): boolean {
    return this.closed
  }

  /** Lets all readers go; the shapes stay in the log. */
  async close(): Promise<void> {
    this.closed = true
    for (const shape of this.byHandle.values()) {
      this.filters.forget(shape)
      shape.drop()
    }
    await this.cleaning?.catch(() => undefined)
    await this.disk.close()
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

  /** Ends a shape on request. */
  remove(shape: ShapeLog): void {
    this.drop(shape, 'removed')
  }

  /** Lets idle shapes go, and the least recently read when there are too many or they are too big. */
  evict(now = Date.now()): void {
    for (const shape of this.byHandle.values())
      if (shape.trim(Math.max(this.limits.longLog, shape.liveSize * TRIM_ROWS)))
        this.note((frame) => this.describe(frame, shape))
    let total = this.bytes
    const idle = [...this.byHandle.values()].filter((shape) => shape.waiting === 0 && shape.state === 'ready')
    idle.sort((a, b) => a.lastReadAt - b.lastReadAt)
    for (const shape of idle) {
      const over = total > this.limits.maxSize || this.byHandle.size > this.limits.maxShapes
      const replaced = this.current.get(shape.definition.id) !== shape
      if (!over && now - shape.lastReadAt < (replaced ? this.limits.replacedMs : this.limits.idleMs)) continue
      total -= shape.size
      this.drop(shape, 'not read for a while')
    }
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
        shapes: () => this.byHandle.values(),
        describe: (frame, shape) => this.describe(frame, shape),
        closing: (frame) => {
          if (this.origin) frame.origin(this.origin)
          frame.committed(this.writer.lsn, this.writer.position)
        },
      })
    }
  }

  private describe(frame: FrameBuilder, shape: ShapeLog): void {
    frame.created(shape.number, this.created(shape))
    frame.loaded(shape.number, shape.loaded(this.writer.completeTo(shape)))
    if (shape.trimmed) frame.trimmed(shape.number, shape.trimmed)
  }

  private create(definition: ShapeDefinition): ShapeLog {
    if (this.byHandle.size >= this.limits.maxShapes) this.evict()
    const number = this.nextNumber++
    const at = this.writer.registerAt
    const shape = new ShapeLog(number, newHandle(definition.id), definition, at, this.limits.chunkSize)
    this.register(shape)
    void this.load(shape)
    return shape
  }

  private register(shape: ShapeLog): void {
    this.current.set(shape.definition.id, shape)
    this.byHandle.set(shape.handle, shape)
    this.router.add(shape)
  }

  private async revive({
    number,
    created,
    madeIn,
    loaded,
    trimmed,
    chunks,
    entries,
  }: StoredShape): Promise<ShapeLog | undefined> {
    if (!isShapeSource(created.source)) return undefined
    const definition = await defineShape(this.catalog, this.db.decisions, created.source)
    if (layoutHash(definition.format.table) !== created.layout) return undefined
    const shape = new ShapeLog(number, created.handle, definition, this.writer.lsn, this.limits.chunkSize)
    shape.madeIn = madeIn
    shape.restore(loaded, trimmed, chunks, entries)
    this.register(shape)
    return shape
  }

  private async load(shape: ShapeLog): Promise<void> {
    try {
      // A transaction of which this shape is handed the end only has to be in the snapshot, and is known when it ends.
      await this.writer.untilClosed()
      for (let attempt = 0; shape.state === 'loading'; attempt += 1) {
        const facts = await readSnapshot(this.db.snapshots, shape.definition, this.limits.chunkSize, {
          begin: (visibility) => !this.recent.hasUnseen(visibility, shape.registeredAt),
          chunk: (body) => {
            if (shape.state !== 'loading') throw new ShapeGone()
            this.writer.storeChunk(shape, body, this.created(shape))
          },
          settled: () => this.disk.settled(),
        })
        if (facts) return await this.finish(shape, facts)
        if (attempt === SNAPSHOT_ATTEMPTS)
          throw operationalError('server/unavailable', {}, 'a commit stays invisible to snapshots')
        await pause(attempt)
      }
    } catch (error) {
      if (error instanceof ShapeGone) return
      // The likeliest reason is a column that is gone.
      this.catalog.forget(shape.definition.format.table)
      this.drop(shape, 'its snapshot failed', error)
    }
  }

  private async finish(shape: ShapeLog, facts: SnapshotFacts): Promise<void> {
    await this.writer.untilClosed()
    if (shape.state !== 'loading') return
    this.writer.store(shape, facts, this.filters.lsnOf(shape) ?? this.writer.registerAt)
  }

  private created({ handle, definition }: ShapeLog) {
    return { handle, source: definition.source, layout: layoutHash(definition.format.table) }
  }

  private trimOld(definition: ShapeDefinition): void {
    const all = this.router
      .shapesOf(definition.format.table.oid)
      .filter((shape) => shape.definition.id === definition.id)
      .sort((a, b) => a.number - b.number)
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
    if (shape.state !== 'loading') this.note((frame) => frame.dropped(shape.number))
    shape.drop(failure)
    if (failure !== undefined) {
      const error = toAppError(failure).message
      this.log.warn({ event: 'sync.shape-failed', handle: shape.handle, reason, error }, 'shape failed')
    }
  }

  /** Writes records that nobody waits for. */
  private note(write: (frame: FrameBuilder) => void): void {
    const frame = new FrameBuilder()
    write(frame)
    this.disk.append(frame.parts)
  }
}

/** The shape ended while its snapshot was on its way. */
class ShapeGone extends Error {}

function pause(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(2 ** attempt, 250)))
}

function isLong(shape: ShapeLog): boolean {
  if (shape.lacks({ at: 'before' })) return true
  const worth = shape.definition.source.log === 'changes_only' ? CHANGES_BYTES : shape.liveSize * LONGER_THAN_ROWS
  return shape.state === 'ready' && shape.size > worth + SHORT_LOG_BYTES
}
