import { toAppError } from '../../shared/kernel/errors.ts'
import { BEAT_MS } from '../core/suspicion.ts'
import type { Batch, Held, Position } from '../core/staging.ts'
import { SHAPES, type ShapeName } from '../protocol/shapes.ts'
import type { ServerFrame } from '../protocol/socket.ts'
import { isVersionTrouble, PROTOCOL_VERSION, VERSION_TROUBLES, versionTrouble } from '../protocol/version.ts'
import type { DeviceStore } from './device-store.ts'
import { adoptServerTime, lastSync, noteFreshness, noteSync } from './device.ts'
import { Feeds } from './feeds.ts'
import { Health } from './health.ts'
import { watchesOf, type HostStatus } from './host-protocol.ts'
import { pushServer } from './http.ts'
import { Identity } from './identity.ts'
import { Holdings } from './holdings.ts'
import { LiveQueries } from './live-queries.ts'
import { Pusher } from './pusher.ts'
import { ReplicaLife } from './replica-life.ts'
import type { Replica } from './replica.ts'
import { RunTexts } from './run-texts.ts'
import { Serial } from './serial.ts'
import { Settler } from './settler.ts'
import type { FeedSink } from './shape-feed.ts'
import { Socket } from './socket.ts'
import { TabBus } from './tab-bus.ts'
import { TabCalls } from './tab-calls.ts'
import { wipeDevice } from './wipe.ts'

export interface EngineOptions {
  db: DeviceStore
  device_id: string
  user_id: string
  epoch: number
  /** Number of this engine among those of this device: rises. */
  lead: number
  /** Origin of the server, e.g. `https://example.org`. */
  origin: string
  /** Opens the replica; rejects when this browser cannot hold one. Absent: reads stay with the server. */
  openReplica?: (() => Promise<Replica>) | undefined
}

const MEASURE_MS = 60_000

/**
 * The one engine of a browser profile: holds the socket, the replica, the shapes and the outbox's way out, and
 * answers every tab. Runs in the leader's worker; where workers fail, in the tab itself, without a replica.
 */
export class Engine implements FeedSink {
  readonly #options: EngineOptions
  readonly #identity: Identity
  readonly #db: DeviceStore
  readonly #bus: TabBus
  readonly #health: Health
  readonly #socket: Socket
  readonly #feeds: Feeds
  readonly #live: LiveQueries
  readonly #settler: Settler
  readonly #calls: TabCalls
  readonly #holdings: Holdings
  readonly #runs = new RunTexts()
  readonly #serial = new Serial()
  readonly #timers: ReturnType<typeof setInterval>[] = []
  readonly #life: ReplicaLife
  #pusher: Pusher | undefined
  #stopped = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#identity = new Identity(options.user_id, options.epoch)
    this.#db = options.db
    this.#health = new Health(() => this.#emitStatus())
    this.#bus = new TabBus(options.user_id, options.lead, {
      call: (body) => this.#calls.answer(body),
      poke: () => void this.#outboxGrew(),
      gone: (tab) => this.#live.unwatchAll(watchesOf(tab)),
    })
    this.#socket = new Socket(`${options.origin.replace(/^http/, 'ws')}/api/socket?protocol=${PROTOCOL_VERSION}`, {
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
    this.#life = new ReplicaLife({
      open: options.openReplica,
      serial: this.#serial,
      health: this.#health,
      onComing: () => this.#replicaCame(),
      onLeaving: () => {
        this.#feeds.stop()
        this.#live.clear()
      },
      onStatus: () => this.#emitStatus(),
      // what waited for a replica that did not come is settled by the server's answers
      onNone: () => this.#settler.settle(),
    })
    this.#live = new LiveQueries({
      read: (sql, values) => this.#life.needed().read(sql, values),
      post: (watch, rows) => this.#bus.emit({ t: 'rows', watch, rows }),
      fail: (watch, error) => this.#bus.emit({ t: 'failed', watch, code: toAppError(error).code }),
    })
    this.#settler = new Settler({
      db: this.#db,
      serial: this.#serial,
      feeds: this.#feeds,
      health: this.#health,
      device_id: options.device_id,
      replica: () => this.#life.current,
      opening: () => this.#life.opening,
      onLeft: () => this.#bus.emit({ t: 'outbox' }),
      onChanged: (tables) => {
        this.#live.changed(tables)
        this.#bus.emit({ t: 'changed', tables })
      },
    })
    this.#holdings = new Holdings({
      db: this.#db,
      life: this.#life,
      feeds: this.#feeds,
      onChanged: () => this.#settler.settle([SHAPES.messages.table]),
    })
    this.#calls = new TabCalls({
      db: this.#db,
      device_id: options.device_id,
      serial: this.#serial,
      life: this.#life,
      live: this.#live,
      holdings: this.#holdings,
      feeds: this.#feeds,
      onHello: (epoch) => {
        this.#identity.adopt(epoch)
        this.#hurry()
        return { status: this.#status(), runs: this.#runs.list() }
      },
      onQueued: () => this.#outboxGrew(),
      onRebuild: () => this.#rebuild(),
      onWipe: () => this.#wipe(),
    })
  }

  async start(): Promise<void> {
    this.#pusher = new Pusher(
      this.#db,
      this.#options.device_id,
      {
        onAnswered: () => {
          this.#bus.emit({ t: 'outbox' })
          return this.#settler.settle()
        },
        onReached: () => this.#health.reached(),
        onLost: () => this.#health.lost(),
        onUnauthorized: () => this.#health.unauthorized(),
        onProblem: (code) => this.#health.problem(code),
        onSolved: (code) => this.#health.solved(code),
      },
      (device_id, take) => pushServer(this.#identity, device_id, take),
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
    void this.#life.open()
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
    await this.#life.stop()
    this.#bus.close()
    this.#db.close()
  }

  // --- FeedSink

  async position(shape: ShapeName): Promise<Position | 'now' | undefined> {
    return this.#life.current ? this.#life.current.position(shape) : 'now'
  }

  wanted(): Promise<Held> {
    return this.#holdings.wanted()
  }

  async apply(shape: ShapeName, batch: Batch): Promise<void> {
    this.#health.reached()
    const replica = this.#life.current
    let tables: readonly string[] = batch.changes.length > 0 ? [SHAPES[shape].table] : []
    if (replica) tables = await this.#life.write(() => replica.apply(shape, batch))
    if (this.#stopped || replica !== this.#life.current) return
    if (replica?.takeDamage(shape)) this.#feeds.restart(shape)
    else this.#feeds.fresh(shape)
    // should this fail, `settle` finds the ack in the replica
    if (shape === 'acks') await this.#settler.noteAcks(batch).catch(() => undefined)
    await this.#settler.settle(tables)
    this.#life.serveWhenReadable()
  }

  refetching(shape: ShapeName): void {
    this.#life.current?.refetching(shape)
    this.#feeds.stale(shape)
    this.#health.behind()
  }

  async revoked(shape: ShapeName): Promise<void> {
    const replica = this.#life.current
    this.#feeds.drop(shape)
    if (replica) await this.#settler.settle(await this.#life.write(() => replica.revoke(shape)))
    this.#life.serveWhenReadable()
  }

  failed(_shape: ShapeName, status: number): void {
    if (status === 401) this.#health.unauthorized()
    if (status === 426) this.#health.problem('sync/client-too-old')
  }

  // --- the replica's life

  async #replicaCame(): Promise<void> {
    this.#feeds.stop()
    await this.#settler.settle()
    this.#life.serveWhenReadable()
    this.#feeds.start(this)
  }

  async #rebuild(): Promise<void> {
    if (!this.#options.openReplica) return
    await this.#life.rebuild()
    this.#feeds.start(this)
  }

  async #wipe(): Promise<void> {
    this.#stopped = true
    this.#settler.stop()
    this.#pusher?.stop()
    await this.#life.destroy()
    this.#db.close()
    await wipeDevice(this.#options.user_id)
    this.#bus.emit({ t: 'wiped' })
    setTimeout(() => void this.stop().finally(() => globalThis.close?.()), 100)
  }

  // --- the line

  /** Tabs count anew, the pusher looks, and the overlay shows what was queued. */
  async #outboxGrew(): Promise<void> {
    this.#bus.emit({ t: 'outbox' })
    this.#pusher?.wake()
    this.#settler.judge().catch(() => undefined)
    if (this.#life.current) await this.#settler.settle()
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
        this.#compare(frame)
        adoptServerTime(this.#db, frame.now).catch(() => undefined)
        return
      case 'bye':
        if (frame.code === 'auth/required') this.#health.unauthorized()
        if (isVersionTrouble(frame.code)) this.#health.problem(frame.code)
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

  /** Two sides that understand each other again have no trouble left; what still cannot be sent says so itself. */
  #compare({ protocol, oldest = protocol }: { protocol: number; oldest?: number | undefined }): void {
    const trouble = versionTrouble(PROTOCOL_VERSION, { newest: protocol, oldest })
    for (const code of VERSION_TROUBLES) if (code !== trouble) this.#health.solved(code)
    if (trouble) this.#health.problem(trouble)
  }

  // --- small things

  #status(): HostStatus {
    return { ...this.#health.view, ...this.#life.status }
  }

  #emitStatus(): void {
    this.#bus.emit({ t: 'status', status: this.#status() })
  }

  async #measure(): Promise<void> {
    await noteSync(this.#db, this.#health.view.synced_at).catch(() => undefined)
    await noteFreshness(this.#db, this.#feeds.freshAt).catch(() => undefined)
    // what waits grows old without anything happening
    await this.#settler.judge().catch(() => undefined)
    await this.#life.measure()
    // what cannot be read now is asked for again the next time
    await this.#holdings.tidy().catch(() => undefined)
  }
}
