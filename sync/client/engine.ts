import { AppError, operationalError, toAppError } from '../../shared/kernel/errors.ts'
import type { Effect } from '../core/pending.ts'
import { SHAPES, type ShapeName } from '../protocol/shapes.ts'
import type { ServerFrame } from '../protocol/socket.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { deleteDeviceDb, type DeviceDb } from './device-db.ts'
import { adoptServerTime, lastSync, noteSync } from './device.ts'
import { Feeds } from './feeds.ts'
import { Health } from './health.ts'
import {
  BEAT_MS,
  watchesOf,
  type HelloValue,
  type HostCall,
  type HostStatus,
  type NewMutation,
} from './host-protocol.ts'
import { pushServer } from './http.ts'
import { Identity } from './identity.ts'
import { LiveQueries } from './live-queries.ts'
import { enqueue, readOutbox } from './outbox.ts'
import { Pusher } from './pusher.ts'
import type { Replica } from './replica.ts'
import { RunTexts } from './run-texts.ts'
import { Serial } from './serial.ts'
import { Settler } from './settler.ts'
import type { Batch, FeedSink, Position } from './shape-feed.ts'
import { Socket } from './socket.ts'
import { TabBus } from './tab-bus.ts'

export interface EngineOptions {
  db: DeviceDb
  device_id: string
  user_id: string
  epoch: number
  /** Origin of the server, e.g. `https://example.org`. */
  origin: string
  /** Opens the replica; rejects when this browser cannot hold one. Absent: reads stay with the server. */
  openReplica?: (() => Promise<Replica>) | undefined
}

const APPLY_RETRY_MS = 3000
const MEASURE_MS = 60_000

/**
 * The one engine of a browser profile: holds the socket, the replica, the shapes and the outbox's way out, and
 * answers every tab. Runs in the leader's worker; where workers fail, in the tab itself, without a replica.
 */
export class Engine implements FeedSink {
  readonly #options: EngineOptions
  readonly #identity: Identity
  readonly #db: DeviceDb
  readonly #bus: TabBus
  readonly #health: Health
  readonly #socket: Socket
  readonly #feeds: Feeds
  readonly #live: LiveQueries
  readonly #settler: Settler
  readonly #runs = new RunTexts()
  readonly #serial = new Serial()
  readonly #timers: ReturnType<typeof setInterval>[] = []
  #pusher: Pusher | undefined
  #replica: Replica | undefined
  #mode: HostStatus['mode'] = 'online'
  #opening: boolean
  #bytes: number | undefined
  #stopped = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#opening = options.openReplica !== undefined
    this.#identity = new Identity(options.user_id, options.epoch)
    this.#db = options.db
    this.#health = new Health(() => this.#emitStatus())
    this.#bus = new TabBus(options.user_id, {
      call: (body) => this.#call(body),
      poke: () => {
        this.#outboxGrew()
        if (this.#replica) void this.#settler.settle()
      },
      gone: (tab) => this.#live.unwatchAll(watchesOf(tab)),
    })
    this.#socket = new Socket(`${options.origin.replace(/^http/, 'ws')}/api/socket`, {
      onFrame: (frame) => this.#frame(frame),
      onOpen: () => this.#lineUp(),
      onClose: () => {
        this.#identity.doubt()
        this.#feeds.stale()
        this.#health.lost()
      },
    })
    this.#feeds = new Feeds(options.origin, {
      socket: this.#socket,
      identity: this.#identity,
      onReached: (authorized) => this.#health.reached(authorized),
      onLost: () => this.#health.lost(),
    })
    this.#live = new LiveQueries({
      read: (sql, values) => this.#needReplica().read(sql, values),
      post: (watch, rows) => this.#bus.emit({ t: 'rows', watch, rows }),
      fail: (watch, error) => this.#bus.emit({ t: 'failed', watch, code: toAppError(error).code }),
    })
    this.#settler = new Settler({
      db: this.#db,
      serial: this.#serial,
      feeds: this.#feeds,
      health: this.#health,
      device_id: options.device_id,
      replica: () => this.#replica,
      opening: () => this.#opening,
      onLeft: () => this.#bus.emit({ t: 'outbox' }),
      onChanged: (tables) => {
        this.#live.changed(tables)
        this.#bus.emit({ t: 'changed', tables })
      },
    })
  }

  async start(): Promise<void> {
    this.#pusher = new Pusher(
      this.#db,
      this.#options.device_id,
      {
        onAnswered: () => this.#settler.settle(),
        onReached: () => this.#health.reached(),
        onLost: () => this.#health.lost(),
        onUnauthorized: () => this.#health.unauthorized(),
        onProblem: (code) => this.#health.problem(code),
      },
      (device_id, mutations) => pushServer(this.#identity, device_id, mutations),
    )
    this.#health.remember(await lastSync(this.#db))
    this.#socket.connect()
    this.#bus.emit({ t: 'up' })
    this.#timers.push(setInterval(() => this.#bus.emit({ t: 'beat' }), BEAT_MS))
    this.#timers.push(setInterval(() => void this.#measure(), MEASURE_MS))
    globalThis.addEventListener?.('online', () => this.#hurry())
    void this.#pusher.run()
    if ((await this.#db.dead.count()) > 0) this.#health.problem('sync/refused')
    this.#feeds.start(this)
    if (this.#options.openReplica) void this.#openReplica(this.#options.openReplica)
  }

  /** Ends everything; the replica's files stay. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#settler.stop()
    this.#health.stop()
    this.#feeds.stop()
    this.#pusher?.stop()
    this.#socket.close()
    this.#live.clear()
    await this.#serial.run(async () => this.#replica?.close())
    this.#bus.close()
    this.#db.close()
  }

  // --- FeedSink

  async position(shape: ShapeName): Promise<Position | 'now' | undefined> {
    return this.#replica ? this.#replica.position(shape) : 'now'
  }

  async apply(shape: ShapeName, batch: Batch): Promise<void> {
    this.#health.reached()
    const replica = this.#replica
    let tables: readonly string[] = batch.changes.length > 0 ? [SHAPES[shape].table] : []
    if (replica) tables = await this.#write(() => replica.apply(shape, batch))
    if (this.#stopped || replica !== this.#replica) return
    if (replica?.takeDamage(shape)) this.#feeds.restart(shape)
    else this.#feeds.fresh(shape)
    // should this fail, `settle` finds the ack in the replica
    if (shape === 'acks') await this.#settler.noteAcks(batch).catch(() => undefined)
    await this.#settler.settle(tables)
    this.#becomeReplica()
  }

  refetching(shape: ShapeName): void {
    this.#replica?.refetching(shape)
    this.#feeds.stale(shape)
    this.#health.behind()
  }

  async revoked(shape: ShapeName): Promise<void> {
    const replica = this.#replica
    this.#feeds.drop(shape)
    if (replica) await this.#settler.settle(await this.#write(() => replica.revoke(shape)))
    this.#becomeReplica()
  }

  failed(_shape: ShapeName, status: number): void {
    if (status === 401) this.#health.unauthorized()
    if (status === 426) this.#health.problem('sync/client-too-old')
  }

  /** A write that must not be lost: tried until it works or the engine ends. */
  async #write(task: () => Promise<string[]>): Promise<string[]> {
    while (!this.#stopped) {
      try {
        const tables = await this.#serial.run(task)
        this.#health.solved('sync/replica')
        return tables
      } catch {
        this.#health.problem('sync/replica')
        await new Promise((resolve) => setTimeout(resolve, APPLY_RETRY_MS))
      }
    }
    return []
  }

  // --- calls from tabs

  async #call(body: HostCall): Promise<unknown> {
    switch (body.op) {
      case 'hello':
        this.#identity.adopt(body.epoch)
        this.#hurry()
        return this.#helloValue()
      case 'mutate':
        return this.#mutate(body.mutation)
      case 'read':
        return this.#needReplica().read(body.sql, body.values)
      case 'query':
        return this.#needReplica().query(body.sql, body.values)
      case 'watch':
        this.#needReplica()
        return this.#live.watch(body.watch, body.sql, body.values, body.tables)
      case 'unwatch':
        return this.#live.unwatch(body.watch)
      case 'rebuild':
        return this.#rebuild()
      case 'wipe':
        return this.#wipe()
    }
  }

  #helloValue(): HelloValue {
    return { status: this.#status(), runs: this.#runs.list() }
  }

  async #mutate(mutation: NewMutation): Promise<null> {
    await this.#serial.run(async () =>
      enqueue(this.#db, this.#options.device_id, mutation, await this.#prepare(mutation)),
    )
    this.#outboxGrew()
    if (this.#replica) await this.#settler.settle()
    return null
  }

  /** A replica in trouble must not stand between a person and their outbox: then the server alone will judge. */
  async #prepare(mutation: NewMutation): Promise<((hlc: string) => Effect) | undefined> {
    if (!this.#replica || this.#mode !== 'replica') return undefined
    try {
      return await this.#replica.prepare(mutation, await readOutbox(this.#db))
    } catch (error) {
      if (error instanceof AppError && error.kind === 'user') throw error
      return undefined
    }
  }

  async #rebuild(): Promise<null> {
    const { openReplica } = this.#options
    if (!openReplica) return null
    await this.#dropReplica()
    this.#emitStatus()
    this.#feeds.start(this)
    void this.#openReplica(openReplica)
    return null
  }

  async #wipe(): Promise<null> {
    this.#stopped = true
    this.#settler.stop()
    this.#pusher?.stop()
    await this.#dropReplica()
    this.#db.close()
    await deleteDeviceDb(this.#options.user_id)
    this.#bus.emit({ t: 'wiped' })
    setTimeout(() => void this.stop().finally(() => globalThis.close?.()), 100)
    return null
  }

  // --- the replica's life

  async #openReplica(open: () => Promise<Replica>): Promise<void> {
    this.#opening = true
    try {
      const replica = await open()
      if (this.#stopped) return await replica.close()
      this.#feeds.stop()
      this.#replica = replica
      await this.#settler.settle()
      this.#becomeReplica()
      this.#feeds.start(this)
    } catch {
      // this browser holds no replica: reads stay with the server
    }
    this.#opening = false
    this.#emitStatus()
    // What waited for a replica that did not come is settled by the server's answers.
    if (!this.#replica) await this.#settler.settle()
  }

  async #dropReplica(): Promise<void> {
    this.#mode = 'online'
    this.#feeds.stop()
    this.#live.clear()
    const replica = this.#replica
    this.#replica = undefined
    await this.#serial.run(async () => replica?.destroy())
  }

  /** From here on tabs read locally: every shape has been complete once. */
  #becomeReplica(): void {
    if (this.#mode === 'replica' || !this.#replica?.complete) return
    this.#mode = 'replica'
    this.#emitStatus()
    void this.#measure()
  }

  // --- the line

  #outboxGrew(): void {
    this.#bus.emit({ t: 'outbox' })
    this.#pusher?.wake()
    this.#settler.judge().catch(() => undefined)
  }

  #lineUp(): void {
    this.#health.reached()
    this.#pusher?.wake()
    this.#feeds.refresh()
  }

  #hurry(): void {
    this.#socket.hurry()
    this.#pusher?.wake()
  }

  #frame(frame: ServerFrame): void {
    switch (frame.t) {
      case 'hello':
        this.#identity.heard(frame.user_id)
        if (frame.user_id !== this.#options.user_id) return this.#health.unauthorized()
        if (frame.protocol > PROTOCOL_VERSION) this.#health.problem('sync/client-too-old')
        adoptServerTime(this.#db, frame.now).catch(() => undefined)
        return
      case 'bye':
        if (frame.code === 'auth/required') this.#health.unauthorized()
        return
      case 'run.snapshot':
      case 'run.text':
      case 'run.node':
      case 'run.end':
        if (this.#runs.take(frame)) this.#bus.emit({ t: 'run', frame })
        else this.#socket.reconnect()
        return
      case 'poll.reply':
      case 'pong':
        return
    }
  }

  // --- small things

  #status(): HostStatus {
    return {
      ...this.#health.view,
      mode: this.#mode,
      opening: this.#opening,
      ...(this.#bytes === undefined ? {} : { bytes: this.#bytes }),
    }
  }

  #emitStatus(): void {
    this.#bus.emit({ t: 'status', status: this.#status() })
  }

  async #measure(): Promise<void> {
    await noteSync(this.#db, this.#health.view.synced_at).catch(() => undefined)
    this.#bytes = await this.#replica?.bytes().catch(() => undefined)
    this.#emitStatus()
  }

  #needReplica(): Replica {
    if (!this.#replica) throw operationalError('server/unavailable')
    return this.#replica
  }
}
