import { operationalError, toAppError } from '../../shared/kernel/errors.ts'
import type { Effect } from '../core/pending.ts'
import { reduceRun, type RunFrame, type RunText } from '../core/run-overlay.ts'
import { coveredBy, lagging, settled, type ShapeCursor } from '../core/settlement.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import type { ServerFrame } from '../protocol/socket.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { deleteDeviceDb, DeviceDb } from './device-db.ts'
import { adoptServerTime, deviceId } from './device.ts'
import { Health } from './health.ts'
import { BEAT_MS, type HelloValue, type HostCall, type HostStatus, type NewMutation } from './host-protocol.ts'
import { LiveQueries } from './live-queries.ts'
import { bury, enqueue, readOutbox } from './outbox.ts'
import { Pusher } from './pusher.ts'
import type { Replica } from './replica.ts'
import { Serial } from './serial.ts'
import { ShapeFeed, type Batch, type FeedSink, type Position } from './shape-feed.ts'
import { shapeFetch } from './shape-fetch.ts'
import { Socket } from './socket.ts'
import { TabBus } from './tab-bus.ts'

export interface EngineOptions {
  user_id: string
  epoch: number
  /** Origin of the server, e.g. `https://example.org`. */
  origin: string
  /** Opens the replica; rejects when this browser cannot hold one. Absent: online mode for good. */
  openReplica?: (() => Promise<Replica>) | undefined
}

/** A shape that no engine event can leave behind for longer than this is asked again, ms. */
const REFRESH_GRACE_MS = 150
const APPLY_RETRY_MS = 3000
const KEEP_ENDED_RUNS_MS = 60_000

/**
 * The one engine of a browser profile: holds the socket, the replica, the shapes and the outbox's way out, and
 * answers every tab. Runs in the leader's worker; where workers fail, in the tab itself.
 */
export class Engine implements FeedSink {
  readonly #options: EngineOptions
  readonly #db: DeviceDb
  readonly #bus: TabBus
  readonly #health: Health
  readonly #socket: Socket
  readonly #live: LiveQueries
  readonly #serial = new Serial()
  readonly #runs = new Map<string, RunText>()
  readonly #feeds = new Map<ShapeName, ShapeFeed>()
  /** Shapes that have been up to date since the line was last up. */
  readonly #fresh = new Set<ShapeName>()
  readonly #watchesOfTab = new Map<string, Set<string>>()
  readonly #timers: ReturnType<typeof setInterval>[] = []
  #device_id = ''
  #pusher: Pusher | undefined
  #replica: Replica | undefined
  #mode: HostStatus['mode'] = 'online'
  #epoch: number
  #bytes: number | undefined
  #stopped = false
  #refreshTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#epoch = options.epoch
    this.#db = new DeviceDb(options.user_id)
    this.#health = new Health(null, () => this.#emitStatus())
    this.#bus = new TabBus(options.user_id, {
      call: (tab, body) => this.#call(tab, body),
      poke: () => this.#outboxGrew(),
      gone: (tab) => this.#forgetTab(tab),
    })
    this.#socket = new Socket(`${options.origin.replace(/^http/, 'ws')}/api/socket`, {
      onFrame: (frame) => this.#frame(frame),
      onOpen: () => this.#lineUp(),
      onClose: () => {
        this.#fresh.clear()
        this.#health.lost()
      },
    })
    this.#live = new LiveQueries({
      read: (sql, values) => this.#needReplica().read(sql, values),
      post: (watch, rows) => this.#bus.emit({ t: 'rows', watch, rows }),
      fail: (watch, error) => this.#bus.emit({ t: 'failed', watch, code: toAppError(error).code }),
    })
  }

  async start(): Promise<void> {
    this.#device_id = await deviceId(this.#db)
    this.#pusher = new Pusher(this.#db, this.#device_id, {
      onAnswered: () => this.#settle(),
      onReached: () => this.#health.reached(),
      onLost: () => this.#health.lost(),
      onUnauthorized: () => this.#health.unauthorized(),
      onProblem: (code) => this.#health.problem(code),
    })
    this.#socket.connect()
    this.#bus.emit({ t: 'up' })
    this.#timers.push(setInterval(() => this.#bus.emit({ t: 'beat' }), BEAT_MS))
    this.#timers.push(setInterval(() => void this.#measure(), 60_000))
    globalThis.addEventListener?.('online', () => this.#hurry())
    void this.#pusher.run()
    if ((await this.#db.dead.count()) > 0) this.#health.problem('sync/refused')
    if (!this.#options.openReplica) return this.#follow()
    void this.#openReplica(this.#options.openReplica)
  }

  /** Ends everything; the replica's files stay. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    clearTimeout(this.#refreshTimer)
    this.#health.stop()
    this.#stopFeeds()
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
    let tables: string[] = batch.changes.length > 0 ? [SHAPES[shape].table] : []
    while (replica && !this.#stopped) {
      try {
        tables = await this.#serial.run(() => replica.apply(shape, batch))
        this.#health.solved('sync/replica')
        break
      } catch {
        this.#health.problem('sync/replica')
        await new Promise((resolve) => setTimeout(resolve, APPLY_RETRY_MS))
      }
    }
    if (this.#stopped || replica !== this.#replica) return
    this.#fresh.add(shape)
    if (shape === 'acks') await this.#cover(batch)
    await this.#settle(tables)
    this.#becomeReplica()
  }

  refetching(shape: ShapeName): void {
    this.#replica?.refetching(shape)
    this.#fresh.delete(shape)
    this.#health.behind()
  }

  async revoked(shape: ShapeName): Promise<void> {
    const replica = this.#replica
    this.#feeds.delete(shape)
    if (replica) await this.#settle(await this.#serial.run(() => replica.revoke(shape)))
  }

  failed(shape: ShapeName, status: number): void {
    if (status === 401) this.#health.unauthorized()
    if (status === 426) this.#health.problem('sync/client-too-old')
    if (status === 404) this.#feeds.delete(shape)
  }

  // --- calls from tabs

  async #call(tab: string, body: HostCall): Promise<unknown> {
    switch (body.op) {
      case 'hello':
        this.#epoch = Math.max(this.#epoch, body.epoch)
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
        this.#watches(tab).add(body.watch)
        return this.#live.watch(body.watch, body.sql, body.values, body.tables)
      case 'unwatch':
        this.#watches(tab).delete(body.watch)
        return this.#live.unwatch(body.watch)
      case 'rebuild':
        return this.#rebuild()
      case 'wipe':
        return this.#wipe()
    }
  }

  #helloValue(): HelloValue {
    return { status: this.#status(), runs: [...this.#runs.values()] }
  }

  async #mutate(mutation: NewMutation): Promise<null> {
    await this.#serial.run(async () => {
      let run: ((hlc: string) => Effect) | undefined
      if (this.#replica && this.#mode === 'replica') run = await this.#replica.prepare(mutation, await readOutbox(this.#db))
      await enqueue(this.#db, this.#device_id, mutation, run)
    })
    this.#outboxGrew()
    if (this.#replica) await this.#settle()
    return null
  }

  async #rebuild(): Promise<null> {
    const { openReplica } = this.#options
    if (!openReplica) return null
    this.#mode = 'online'
    this.#stopFeeds()
    this.#emitStatus()
    await this.#serial.run(async () => {
      await this.#replica?.destroy()
      this.#replica = undefined
    })
    void this.#openReplica(openReplica)
    return null
  }

  async #wipe(): Promise<null> {
    this.#mode = 'online'
    this.#stopFeeds()
    this.#pusher?.stop()
    await this.#serial.run(async () => {
      await this.#replica?.destroy()
      this.#replica = undefined
    })
    this.#db.close()
    await deleteDeviceDb(this.#options.user_id)
    this.#bus.emit({ t: 'wiped' })
    setTimeout(() => void this.stop().finally(() => globalThis.close?.()), 100)
    return null
  }

  // --- the replica's life

  async #openReplica(open: () => Promise<Replica>): Promise<void> {
    try {
      const replica = await open()
      if (this.#stopped) return await replica.close()
      this.#stopFeeds()
      this.#replica = replica
      await this.#adoptOldAck(replica)
      await this.#settle()
      this.#becomeReplica()
    } catch {
      // this browser holds no replica: reads stay with the server
    }
    this.#follow()
  }

  /** From here on tabs read locally: every shape has been complete once. */
  #becomeReplica(): void {
    if (this.#mode === 'replica' || !this.#replica?.complete) return
    this.#mode = 'replica'
    this.#emitStatus()
    void this.#measure()
  }

  /** An ack may have been applied just before a crash, and its LSN not noted; the shape's own stands in for it. */
  async #adoptOldAck(replica: Replica): Promise<void> {
    const ack = await replica.ack(this.#device_id)
    if (!ack) return
    const row = { device_id: this.#device_id, last_seq: String(ack.last_seq) }
    await this.#note(coveredBy(await readOutbox(this.#db), [{ op: 'insert', row }], this.#device_id, ack.lsn))
  }

  // --- settlement

  async #cover(batch: Batch): Promise<void> {
    await this.#note(coveredBy(await readOutbox(this.#db), batch.changes, this.#device_id, batch.lsn))
  }

  async #note(covered: ReturnType<typeof coveredBy>): Promise<void> {
    if (covered.length === 0) return
    await this.#db.transaction('rw', this.#db.outbox, async () => {
      for (const { item, lsn } of covered) await this.#db.outbox.update(item.seq, { lsn })
    })
  }

  /** Lets go of what is settled, makes the overlay anew, tells the tabs. `tables` have changed already. */
  async #settle(tables: readonly string[] = []): Promise<void> {
    const changed = new Set(tables)
    await this.#serial.run(async () => {
      const leaving = settled(await readOutbox(this.#db), this.#cursors(), SHAPES.acks.table)
      const refused = leaving.flatMap((item) =>
        item.outcome?.status === 'rejected' ? [{ id: item.id, error: item.outcome.error }] : [],
      )
      await bury(this.#db, refused)
      if (refused.length > 0) this.#health.problem('sync/refused')
      await this.#db.outbox.bulkDelete(leaving.map((item) => item.seq))
      if (leaving.length > 0) this.#bus.emit({ t: 'outbox' })
      if (!this.#replica) {
        for (const item of leaving) for (const table of item.effect?.tables ?? Object.values(SHAPES).map((s) => s.table)) changed.add(table)
        return
      }
      const { tables: moved, effects } = await this.#replica.rebase(await readOutbox(this.#db))
      for (const table of moved) changed.add(table)
      for (const [id, effect] of effects) await this.#db.outbox.where({ id }).modify({ effect })
    })
    if (changed.size > 0) {
      this.#live.changed([...changed])
      this.#bus.emit({ t: 'changed', tables: [...changed] })
    }
    await this.#judge()
  }

  /** Are we there? If not, which shapes should be asked? */
  async #judge(): Promise<void> {
    const outbox = await readOutbox(this.#db)
    const behind = outbox.length > 0 || [...this.#feeds.keys()].some((shape) => !this.#fresh.has(shape))
    if (behind || this.#feeds.size === 0) this.#health.behind()
    else this.#health.caughtUp()
    if ((await this.#db.dead.count()) === 0) this.#health.solved('sync/refused')
    const tables = lagging(outbox, this.#cursors())
    if (tables.length === 0 || this.#refreshTimer) return
    this.#refreshTimer = setTimeout(() => void this.#refreshLagging(), REFRESH_GRACE_MS)
  }

  async #refreshLagging(): Promise<void> {
    this.#refreshTimer = undefined
    if (this.#stopped) return
    const tables = lagging(await readOutbox(this.#db), this.#cursors())
    for (const [name, feed] of this.#feeds) if (tables.includes(SHAPES[name].table)) feed.refresh()
  }

  #cursors(): ShapeCursor[] {
    const known = this.#replica?.cursors()
    if (!known) return []
    return [...known].filter(([name]) => this.#feeds.has(name) || this.#feeds.size === 0).map(([, cursor]) => cursor)
  }

  // --- feeds and line

  #follow(): void {
    this.#stopFeeds()
    if (this.#stopped) return
    const deps = {
      socket: this.#socket,
      epoch: () => this.#epoch,
      onReached: () => this.#health.reached(),
      onLost: () => this.#health.lost(),
    }
    for (const name of SHAPE_NAMES) {
      const feed = new ShapeFeed(name, `${this.#options.origin}/api/sync/shapes/${name}`, shapeFetch(name, deps), this)
      this.#feeds.set(name, feed)
      void feed.run()
    }
  }

  #stopFeeds(): void {
    for (const feed of this.#feeds.values()) feed.stop()
    this.#feeds.clear()
    this.#fresh.clear()
  }

  #lineUp(): void {
    this.#health.reached()
    this.#pusher?.wake()
    for (const feed of this.#feeds.values()) feed.refresh()
  }

  #hurry(): void {
    this.#socket.hurry()
    this.#pusher?.wake()
  }

  #outboxGrew(): void {
    this.#health.behind()
    this.#bus.emit({ t: 'outbox' })
    this.#pusher?.wake()
    void this.#judge()
  }

  #frame(frame: ServerFrame): void {
    switch (frame.t) {
      case 'hello':
        if (frame.protocol > PROTOCOL_VERSION) this.#health.problem('sync/client-too-old')
        void adoptServerTime(this.#db, frame.now)
        return
      case 'bye':
        if (frame.code === 'auth/required') this.#health.unauthorized()
        return
      case 'run.snapshot':
      case 'run.text':
      case 'run.node':
      case 'run.end':
        return this.#runFrame(frame)
      default:
    }
  }

  #runFrame(frame: RunFrame): void {
    const run = reduceRun(this.#runs.get(frame.run), frame, Date.now())
    if (run === 'gap') return this.#socket.reconnect()
    if (!run) return
    this.#runs.set(frame.run, run)
    this.#bus.emit({ t: 'run', frame })
    if (frame.t === 'run.end') setTimeout(() => this.#runs.delete(frame.run), KEEP_ENDED_RUNS_MS)
  }

  // --- small things

  #status(): HostStatus {
    return { ...this.#health.view, mode: this.#mode, ...(this.#bytes === undefined ? {} : { bytes: this.#bytes }) }
  }

  #emitStatus(): void {
    this.#bus.emit({ t: 'status', status: this.#status() })
  }

  async #measure(): Promise<void> {
    this.#bytes = await this.#replica?.bytes().catch(() => undefined)
    this.#emitStatus()
  }

  #watches(tab: string): Set<string> {
    const watches = this.#watchesOfTab.get(tab) ?? new Set()
    this.#watchesOfTab.set(tab, watches)
    return watches
  }

  #forgetTab(tab: string): void {
    for (const watch of this.#watches(tab)) this.#live.unwatch(watch)
    this.#watchesOfTab.delete(tab)
  }

  #needReplica(): Replica {
    if (!this.#replica) throw operationalError('server/unavailable')
    return this.#replica
  }
}

