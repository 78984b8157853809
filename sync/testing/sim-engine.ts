import { currentArgs, rowKeyText, type Row, type RowKey } from '../../shared/kernel/mutator.ts'
import { effectOf } from '../core/effect.ts'
import type { Change } from '../core/fold-changes.ts'
import { contextOf, type Replay } from '../core/overlay.ts'
import type { Pending } from '../core/pending.ts'
import { Progress } from '../core/progress.ts'
import { awaitsAck } from '../core/settlement.ts'
import type { Position } from '../core/staging.ts'
import { SHAPE_NAMES, type ShapeName } from '../protocol/shapes.ts'
import type { SimBatch } from './practices.ts'
import { SimFeed, type SimSink } from './sim-feed.ts'
import type { SimHost } from './sim-host.ts'
import { SimPusher, type PushFate } from './sim-pusher.ts'
import { EMPTY_COPY, synced, withoutLsns, withShape, type Store } from './sim-store.ts'
import { Tasks, type Task } from './sim-tasks.ts'

export type Work = { do: 'open' } | { do: 'push'; fate: PushFate } | { do: 'poll'; shape: ShapeName; live: boolean }

/**
 * The engine of one device for as long as its process lives, over maps instead of databases. What to send, gather,
 * fold, settle and replay is decided by the product's own `core/`; that these decisions follow each other in the order
 * of `client/engine.ts`, `settler.ts` and `pglite-replica.ts` is said here once more, because those wait for databases.
 */
export class SimEngine implements SimSink {
  /** The replica as it is, and as it would be found if the process were killed now. */
  now: Store
  disk: Store
  /** The replica is open, and every shape has been complete once: people read from it. */
  shows = false
  readonly tasks: Tasks
  readonly #host: SimHost
  readonly #pusher: SimPusher
  readonly #feeds: ReadonlyMap<ShapeName, SimFeed>
  readonly #commits = new Map<ShapeName, number>()
  #progress = new Progress([])
  #open = false

  constructor(host: SimHost, now: Store) {
    this.#host = host
    this.now = now
    this.disk = now
    this.tasks = new Tasks(() => host.stepped())
    this.#pusher = new SimPusher(host, () => this.#settle())
    this.#feeds = new Map(SHAPE_NAMES.map((name) => [name, new SimFeed(name, host, this)]))
  }

  /** Commits of the server that the device's rows of a shape hold; undefined: it does not follow that shape. */
  commitsHeld(name: ShapeName): number | undefined {
    return this.#progress.isGone(name) ? undefined : (this.#commits.get(name) ?? -1)
  }

  /** Starts a piece of work and lets it come `steps` far. */
  start(work: Work, steps: number): void {
    this.tasks.start(this.#begin(work), steps)
  }

  #begin(work: Work): Task {
    if (work.do === 'push') return this.#pusher.round(work.fate)
    return work.do === 'open' ? this.#opening() : this.#poll(work.shape, work.live)
  }

  /** What was written reaches the disk by itself. */
  writeBehind(): void {
    this.disk = this.now
  }

  *#opening(): Task {
    if (this.#open) return
    this.#open = true
    const saved = [...this.now.shapes].flatMap(([name, { position, lsn }]) =>
      position ? [[name, { position, lsn }] as const] : [],
    )
    this.#progress = new Progress(saved)
    for (const [name, { commits }] of this.now.shapes) this.#commits.set(name, commits)
    yield* this.#settle()
    this.#becomeReplica()
  }

  /** As `Engine.#mutate`: judged on the replica, queued, shown. Answers whether it was queued. */
  mutate(item: Pending): boolean {
    this.tasks.makeRoom()
    const { mutators, server, idb } = this.#host
    const mutator = mutators[item.name]
    if (!mutator) return false
    if (this.shows) {
      const ctx = contextOf(item, server.user_id)
      const args = currentArgs(mutator, item)
      const reads = mutator.reads(args, ctx)
      try {
        item.effect = effectOf(reads, mutator.run(args, this.#replay(reads).reader, ctx))
      } catch {
        return false
      }
    }
    idb.outbox.push(item)
    if (this.#open) this.tasks.start(this.#settle(), Number.POSITIVE_INFINITY)
    return true
  }

  /** The row that a mutation would change, as people see it. */
  row(key: RowKey): Row | undefined {
    return this.#replay([key]).reader.get(key.table, key.key)
  }

  // --- shapes

  *#poll(name: ShapeName, live: boolean): Task {
    const feed = this.#feeds.get(name)
    if (this.#open && feed && !this.#progress.isGone(name)) yield* feed.poll(live)
  }

  position(name: ShapeName): Position | undefined {
    return this.#progress.position(name)
  }

  refetching(name: ShapeName): void {
    const { practices, idb } = this.#host
    this.#progress.refetching(name)
    this.now = practices.replicaAtRefetch(this.now, name)
    idb.outbox = practices.outboxAtRefetch(idb.outbox)
  }

  *apply(name: ShapeName, batch: SimBatch): Task {
    yield* this.tasks.alone(() => this.#write(name, batch))
    this.#progress.takeDamage(name)
    yield
    if (name === 'acks') this.#noteAcks(batch.changes, batch.lsn)
    yield
    yield* this.#settle()
    this.#becomeReplica()
  }

  *revoked(name: ShapeName): Task {
    this.#progress.revoke(name)
    yield* this.tasks.alone(() => this.#empty(name))
    yield* this.#settle()
    this.#becomeReplica()
  }

  /** `PgliteReplica.apply`, until the disk takes it. */
  *#write(name: ShapeName, batch: SimBatch): Task {
    const { practices } = this.#host
    const { cursor, idle, doubtful } = this.#progress.after(name, batch)
    const forgotten = practices.forgetsDoubtful ? doubtful : []
    const commits = batch.commits ?? this.#commits.get(name) ?? -1
    if (!idle) yield* this.#writeRows(name, { ...batch, lsn: cursor.lsn, commits }, forgotten)
    if (forgotten.length > 0) this.disk = this.now
    const copy = this.now.shapes.get(name)
    this.#progress.reached(name, cursor, idle || copy === undefined || copy.position !== undefined)
    this.#progress.forgetLsns(forgotten)
    this.#commits.set(name, commits)
  }

  *#writeRows(name: ShapeName, batch: SimBatch, forgotten: readonly ShapeName[]): Task {
    const { practices } = this.#host
    while (this.#host.diskTrouble > 0) {
      this.#host.diskTrouble--
      if (!practices.awaitsWrite) return
      yield
    }
    for (const state of practices.write(withoutLsns(this.now, forgotten), name, batch)) {
      this.now = state
      yield
    }
  }

  *#empty(name: ShapeName): Task {
    this.now = withShape(this.now, name, EMPTY_COPY)
    yield
  }

  // --- settling

  #noteAcks(changes: readonly Change[], lsn: string | null): void {
    const { practices, idb, id } = this.#host
    for (const { item, lsn: at } of practices.covered(idb.outbox, changes, id, lsn))
      this.#host.change(item.id, { lsn: at })
  }

  /** An ack that was applied and not noted: the process ended between the two. */
  #noteOldAck(): void {
    const { idb, id } = this.#host
    const ack = synced(this.now, 'acks', rowKeyText('acks', { device_id: id }))
    const lsn = this.#progress.lsn('acks')
    if (!ack || lsn === null || !idb.outbox.some((item) => item.outcome && awaitsAck(item, lsn))) return
    this.#noteAcks([{ op: 'insert', row: { device_id: id, last_seq: String(ack['last_seq']) } }], lsn)
  }

  #settle(): Task {
    return this.tasks.alone(() => this.#settleAlone())
  }

  /** `settle` of `client/settler.ts`. */
  *#settleAlone(): Task {
    const { practices, idb } = this.#host
    if (!this.#open && practices.waitsForReplica) return
    if (this.#open) this.#noteOldAck()
    yield
    const leaving = practices.settle(idb.outbox, this.#open ? [...this.#progress.active().values()] : [])
    yield
    if (leaving.length > 0) this.disk = practices.flushed(this.now, this.disk)
    yield
    this.#host.bury(
      leaving.flatMap(({ id, outcome }) => (outcome?.status === 'rejected' ? [{ id, error: outcome.error }] : [])),
    )
    yield
    const ids = new Set(leaving.map((item) => item.id))
    idb.outbox = idb.outbox.filter((item) => !ids.has(item.id))
    yield
    if (!this.#open) return
    const { rows, effects } = this.#replay()
    this.now = { ...this.now, local: rows }
    yield
    for (const [mutation, effect] of effects) this.#host.change(mutation, { effect })
  }

  #replay(also: readonly RowKey[] = []): Replay {
    const { practices, mutators, server, idb } = this.#host
    const base = new Map<string, Row | null>()
    for (;;) {
      const result = practices.replay(idb.outbox, base, { mutators, user_id: server.user_id }, also)
      if (result.missing.length === 0) return result
      for (const { table, key } of result.missing) {
        const id = rowKeyText(table, key)
        base.set(id, synced(this.now, table, id) ?? null)
      }
    }
  }

  #becomeReplica(): void {
    this.shows ||= this.#progress.complete
  }
}
