import { toAppError } from '../../shared/kernel/errors.ts'
import { createDatabasePools, type DatabasePools } from './database-pools.ts'
import { readShape, type ReadRequest } from './http/read-shape.ts'
import { invalidRequest, json, NEVER_STORED, unavailable, type ShapeResponse } from './http/response.ts'
import { formatLsn } from './replication/lsn.ts'
import { ReplicationReader } from './replication/replication-reader.ts'
import type { SlotFacts, SlotKind } from './replication/slot.ts'
import { Catalog } from './shape/catalog.ts'
import type { ShapeDefinition } from './shape/shape-definition.ts'
import { ShapeStore } from './shape/shape-store.ts'
import { DEFAULT_LIMITS, type StoreLimits } from './shape/store-limits.ts'
import { defineShape } from './shape/define-shape.ts'
import { InvalidShape } from './shape/invalid-shape.ts'
import type { ShapeSource } from './shape/shape-source.ts'
import { silentLog, type SyncLog } from './sync-log.ts'
import { clearDirectory } from './storage/clear-directory.ts'
import { recoverLog } from './storage/recover.ts'
import type { LogOrigin } from './storage/records.ts'

export interface ShapeServerOptions {
  /** Where the log of all shapes is kept; nobody else may write there. */
  directory: string
  /** `temporary`: the slot goes with the connection, and every shape with it. Tests only. */
  slot?: SlotKind | undefined
  /** A file of the log is closed when it has grown to this many bytes. */
  segmentSize?: number | undefined
  /** A direct connection (no pooler): replication and snapshots use sessions. */
  databaseUrl: string
  publication?: string | undefined
  log?: SyncLog | undefined
  /** BANYAN_SHAPE_ANY_TABLE: publish tables when they are asked for. Tests only. */
  anyTable?: boolean | undefined
  /** How long a live read waits. */
  pollMs?: number | undefined
  /** How often tables are compared with the catalogue, for changes that no written row has announced. */
  reconcileMs?: number | undefined
  limits?: Partial<StoreLimits> | undefined
  /** Reads at one time: those that start a shape, and all others. */
  maxReads?: { initial: number; following: number } | undefined
}

export interface ShapeServerStatus {
  /** `degraded`: no replication stream now, trying again; known shapes are served as they are, others answer 503. */
  state: 'up' | 'degraded' | 'down'
  /** Last transaction seen, as `16/B374D848`. */
  lsn: string
  shapes: number
  /** Reads under way; live ones wait. */
  reads: number
  /** Bytes of all snapshots and logs. */
  size: number
  /** Why it is not up. */
  reason?: string | undefined
}

export interface ShapeServer {
  /** Settles when the slot is up, or when the first attempt has failed; it goes on trying. */
  start(): Promise<void>
  /** Answers all waiting reads, then lets go of the database. */
  stop(): Promise<void>
  status(): ShapeServerStatus
  /** Finds or checks the shape that a source describes. Rejects with InvalidShape or a database error. */
  define(source: ShapeSource): Promise<ShapeDefinition>
  /** Ends a shape's log, by its handle or by what it holds: readers fetch anew. Tests only; see `anyTable`. */
  remove(source: ShapeSource | undefined, handle: string | undefined): Promise<ShapeResponse>
  /** One request of the shape protocol. Never rejects. */
  read(source: ShapeSource, request: ReadRequest, signal: AbortSignal): Promise<ShapeResponse>
}

/** Electric's long poll. */
const POLL_MS = 20_000
/** How long a read waits for a stream that is coming back. */
const PATIENCE_MS = 5_000
const RECONCILE_EVERY_MS = 15_000
const NOT_NOW = unavailable(1, { message: 'The shape server has no connection to the database' })
const DEFAULT_READS = { initial: 20_000, following: 50_000 }

const SEGMENT_BYTES = 64 * 1024 * 1024

/**
 * The embedded shape server: one replication slot, one log on the disk for all shapes. Readers see what is durable; the
 * database may forget what is durable; so a restart, also by force, goes on where it was, with the same handles. Without
 * the slot (lost, or another database) every reader is sent to fetch anew.
 */
export function createShapeServer(options: ShapeServerOptions): ShapeServer {
  return new EmbeddedShapeServer(options)
}

class EmbeddedShapeServer implements ShapeServer {
  private readonly options: ShapeServerOptions
  private readonly log: SyncLog
  private readonly pools: DatabasePools
  private readonly catalog: Catalog
  private readonly reader: ReplicationReader
  private readonly stopped = new AbortController()
  private readonly reads = { initial: 0, following: 0 }
  /** Absent before the log is opened, and after the disk has failed. */
  private store: ShapeStore | undefined
  private origin: LogOrigin | undefined
  private state: ShapeServerStatus['state'] = 'down'
  private reason: string | undefined = 'not started'
  private changed = Promise.withResolvers<void>()
  private ending: Promise<void> | undefined
  private housekeeping: NodeJS.Timeout | undefined

  constructor(options: ShapeServerOptions) {
    this.options = options
    this.log = options.log ?? silentLog
    const publication = options.publication ?? 'banyan'
    this.pools = createDatabasePools(options.databaseUrl, this.log)
    this.catalog = new Catalog(this.pools.snapshots, publication, options.anyTable ?? false)
    this.reader = new ReplicationReader({
      databaseUrl: options.databaseUrl,
      publication,
      slot: options.slot ?? 'durable',
      log: this.log,
      onConnect: (facts) => this.connected(facts),
      onNewSlot: (point) => this.beginAnew(point),
      onStart: () => this.move('up', undefined),
      onPart: (part) => this.store?.apply(part),
      onRelation: (relation) => this.store?.relation(relation),
      onProgress: (end) => this.store?.writer.advance(end),
      acknowledged: () => this.store?.writer.acknowledged ?? 0n,
      onLost: (reason) => {
        this.store?.writer.breakOff()
        if (this.options.slot === 'temporary') this.store?.dropAll('the replication slot is gone')
        this.move('degraded', reason)
      },
    })
  }

  async start(): Promise<void> {
    this.reader.start()
    this.housekeeping ??= setInterval(() => void this.keepHouse(), this.options.reconcileMs ?? RECONCILE_EVERY_MS)
    this.housekeeping.unref()
    if (this.state === 'down') await this.changed.promise
  }

  stop(): Promise<void> {
    this.ending ??= this.end()
    return this.ending
  }

  private async end(): Promise<void> {
    clearInterval(this.housekeeping)
    this.stopped.abort()
    this.move('down', 'stopped')
    await this.reader.stop()
    await this.store?.close()
    await this.pools.end()
  }

  status(): ShapeServerStatus {
    const { state, reason, store } = this
    const reads = this.reads.initial + this.reads.following
    const lsn = formatLsn(store?.writer.lsn ?? 0n)
    return { state, lsn, shapes: store?.size ?? 0, reads, size: store?.bytes ?? 0, reason }
  }

  define(source: ShapeSource): Promise<ShapeDefinition> {
    return defineShape(this.catalog, this.pools.decisions, source)
  }

  async remove(source: ShapeSource | undefined, handle: string | undefined): Promise<ShapeResponse> {
    const { store } = this
    if (!this.options.anyTable) return json(405, { message: 'DELETE not allowed' }, NEVER_STORED)
    try {
      const shape = source && store ? store.find(await this.define(source)) : store?.byName(handle ?? '')
      const matches = shape !== undefined && (handle === undefined || shape.handle === handle)
      if (!store || !matches) return json(404, { message: 'No existing shape found' }, NEVER_STORED)
      store.remove(shape)
      return { status: 202, headers: { ...NEVER_STORED }, body: '' }
    } catch (error) {
      return this.refusal(error)
    }
  }

  async read(source: ShapeSource, request: ReadRequest, signal: AbortSignal): Promise<ShapeResponse> {
    const kind = request.offset.at === 'before' ? 'initial' : 'following'
    if (this.reads[kind] >= (this.options.maxReads ?? DEFAULT_READS)[kind]) {
      return unavailable(5 + Math.floor(Math.random() * 5), {
        code: 'concurrent_request_limit_exceeded',
        message: 'Too many reads at once',
      })
    }
    this.reads[kind] += 1
    try {
      return await this.answer(source, request, signal)
    } catch (error) {
      return this.refusal(error)
    } finally {
      this.reads[kind] -= 1
    }
  }

  private async answer(source: ShapeSource, request: ReadRequest, signal: AbortSignal): Promise<ShapeResponse> {
    const known = request.handle !== undefined && this.store?.byName(request.handle) !== undefined
    if (this.state !== 'up' && !known) await this.untilUp()
    const { store } = this
    if (!store || (this.state !== 'up' && !known)) return NOT_NOW
    const definition = await this.define(source)
    const hold_ms = request.hold_ms ?? this.options.pollMs ?? POLL_MS
    const answer = await readShape(store, definition, request, signal, hold_ms)
    // Readers throw their rows away at a 409: better that they keep them until there is something to fetch instead.
    if (answer.status === 409 && this.state !== 'up') return NOT_NOW
    return answer
  }

  private refusal(error: unknown): ShapeResponse {
    if (error instanceof InvalidShape) return invalidRequest(error.errors)
    const known = toAppError(error)
    if (known.kind === 'user') return invalidRequest({ table: [known.message] })
    this.log.error({ event: 'sync.read-failed', error: known.message }, 'a shape could not be read')
    return unavailable(2, { message: 'The shape could not be read' })
  }

  /** Says whether the log on the disk goes on from the slot's place. */
  private async connected({ origin, confirmed }: SlotFacts): Promise<boolean> {
    const first = !this.store
    const store = this.store ?? (await this.openStore())
    // Somebody else has read from the slot, or an old disk was put back: what lies between is missing here.
    const goesOn = confirmed !== undefined && confirmed <= store.writer.position && !store.isNew
    if (first && goesOn) {
      await store.restore(origin).catch(async (error: unknown) => {
        this.store = undefined
        await store.close()
        throw error
      })
    }
    this.origin = origin
    await store.settled()
    return goesOn && store.follows(origin)
  }

  /** What the log holds has no continuation: begins another one. */
  private async beginAnew(point: bigint): Promise<void> {
    const { origin } = this
    if (!origin) throw new Error('a slot without a database')
    const old = this.store
    this.store = undefined
    old?.dropAll('the replication slot is new')
    await old?.close()
    await clearDirectory(this.options.directory)
    const store = await this.openStore()
    store.begin(origin, point)
    await store.settled()
    this.store = store
    this.log.info({ event: 'sync.slot-new', lsn: formatLsn(point) }, 'a new replication slot')
  }

  private async openStore(): Promise<ShapeStore> {
    const recovered = await recoverLog({
      directory: this.options.directory,
      segmentSize: this.options.segmentSize ?? SEGMENT_BYTES,
      onFailure: (error) => this.diskFailed(error),
    })
    if (recovered.damage !== undefined)
      this.log.warn(
        { event: 'sync.log-damaged', reason: recovered.damage },
        'the shape log was damaged and is made anew',
      )
    const store = new ShapeStore(
      this.pools,
      this.catalog,
      this.log,
      { ...DEFAULT_LIMITS, ...this.options.limits },
      recovered,
    )
    this.store = store
    return store
  }

  /** What is not durable is forgotten: the log is opened again as it is on the disk, and the stream repeats the rest. */
  private diskFailed(error: Error): void {
    const failed = this.store
    this.store = undefined
    const reason = `the shape log cannot be written: ${error.message}`
    this.log.error({ event: 'sync.disk-failed', error: error.message }, reason)
    this.move('degraded', reason)
    this.reader.restart(new Error(reason))
    void failed?.close()
  }

  private move(state: ShapeServerStatus['state'], reason: string | undefined): void {
    this.state = state
    this.reason = reason
    this.changed.resolve()
    this.changed = Promise.withResolvers<void>()
  }

  private async untilUp(): Promise<void> {
    const until = Date.now() + PATIENCE_MS
    while (this.state !== 'up' && !this.stopped.signal.aborted) {
      const left = until - Date.now()
      if (left <= 0) return
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        this.changed.promise,
        new Promise<void>((resolve) => {
          timer = setTimeout(resolve, left)
        }),
      ])
      clearTimeout(timer)
    }
  }

  private async keepHouse(): Promise<void> {
    const { store } = this
    if (!store || this.state !== 'up') return
    store.evict()
    void store.clean().catch((error: unknown) => {
      const reason = toAppError(error).message
      this.log.warn({ event: 'sync.clean-failed', error: reason }, 'the shape log could not be cleaned')
    })
    await store.reconcile().catch((error: unknown) => {
      this.log.warn(
        { event: 'sync.reconcile-failed', error: toAppError(error).message },
        'tables could not be compared',
      )
    })
  }
}
