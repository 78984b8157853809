import { toAppError } from '../../shared/kernel/errors.ts'
import { createDatabasePools, type DatabasePools } from './database-pools.ts'
import type { ReadRequest } from './http/read-shape.ts'
import { readShape } from './http/read-shape.ts'
import { invalidRequest, unavailable, type ShapeResponse } from './http/response.ts'
import { formatLsn } from './replication/lsn.ts'
import { ReplicationReader } from './replication/replication-reader.ts'
import type { Transaction } from './replication/transaction.ts'
import { Catalog } from './shape/catalog.ts'
import type { ShapeDefinition } from './shape/shape-log.ts'
import { DEFAULT_LIMITS, ShapeStore, type StoreLimits } from './shape/shape-store.ts'
import { defineShape, InvalidShape, type ShapeSource } from './shape/define-shape.ts'
import { silentLog, type SyncLog } from './sync-log.ts'

export interface ShapeServerOptions {
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
  /** Called after the logs have a transaction. Must be quick and must not throw. */
  onTransaction?: ((transaction: Transaction) => void) | undefined
}

export interface ShapeServerStatus {
  /** `degraded`: no replication stream now, trying again; reads wait a little and then answer 503. */
  state: 'up' | 'degraded' | 'down'
  /** Last transaction seen, as `16/B374D848`. */
  lsn: string
  shapes: number
  /** Reads under way; live ones wait. */
  reads: number
  /** Characters of all snapshots and logs. */
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

/**
 * The embedded shape server: one replication slot, all shapes in memory. After a restart or the loss of the slot
 * every reader is sent to fetch anew. A second server on the same database is a second, independent reader.
 */
export function createShapeServer(options: ShapeServerOptions): ShapeServer {
  return new EmbeddedShapeServer(options)
}

class EmbeddedShapeServer implements ShapeServer {
  private readonly options: ShapeServerOptions
  private readonly log: SyncLog
  private readonly pools: DatabasePools
  private readonly catalog: Catalog
  private readonly store: ShapeStore
  private readonly reader: ReplicationReader
  private readonly stopped = new AbortController()
  private readonly reads = { initial: 0, following: 0 }
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
    this.store = new ShapeStore(this.pools, this.catalog, this.log, { ...DEFAULT_LIMITS, ...options.limits })
    this.reader = new ReplicationReader({
      databaseUrl: options.databaseUrl,
      publication,
      log: this.log,
      onStart: (point) => this.slotIsUp(point),
      onTransaction: (transaction) => {
        this.store.apply(transaction)
        this.options.onTransaction?.(transaction)
      },
      onRelation: (relation) => this.store.relation(relation),
      onLost: (reason) => this.slotIsLost(reason),
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
    this.store.dropAll('stopped')
    await this.pools.end()
  }

  status(): ShapeServerStatus {
    const { state, reason, store } = this
    const reads = this.reads.initial + this.reads.following
    return { state, lsn: formatLsn(store.lsn), shapes: store.size, reads, size: store.characters, reason }
  }

  define(source: ShapeSource): Promise<ShapeDefinition> {
    return defineShape(this.catalog, this.pools.decisions, source)
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
    if (this.state !== 'up') await this.untilUp()
    if (this.state !== 'up') return NOT_NOW
    const definition = await this.define(source)
    const hold_ms = request.hold_ms ?? this.options.pollMs ?? POLL_MS
    const answer = await readShape(this.store, definition, request, signal, hold_ms)
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

  private slotIsUp(point: bigint): void {
    // A commit record may start exactly at the consistent point, and must count as later.
    if (point - 1n > this.store.lsn) this.store.lsn = point - 1n
    this.log.info({ event: 'sync.slot-up', lsn: formatLsn(point) }, 'replication slot is up')
    this.move('up', undefined)
  }

  private slotIsLost(reason: string): void {
    this.move('degraded', reason)
    this.store.dropAll('the replication slot is gone')
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
    this.store.evict()
    if (this.state !== 'up') return
    await this.store.reconcile().catch((error: unknown) => {
      this.log.warn(
        { event: 'sync.reconcile-failed', error: toAppError(error).message },
        'tables could not be compared',
      )
    })
  }
}
