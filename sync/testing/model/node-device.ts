import type { PGlite } from '@electric-sql/pglite'
import { newId } from '../../../shared/kernel/id.ts'
import { MUTATORS } from '../../../shared/registry.ts'
import { Health } from '../../client/health.ts'
import { enqueue } from '../../client/outbox.ts'
import { Pusher } from '../../client/pusher.ts'
import type { Replica } from '../../client/replica.ts'
import { Serial } from '../../client/serial.ts'
import { Settler } from '../../client/settler.ts'
import { ShapeFeed } from '../../client/shape-feed.ts'
import type { Batch } from '../../core/staging.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../../protocol/shapes.ts'
import { MemoryStore } from '../memory-store.ts'
import { replicaOver } from '../replica-pg.ts'
import { Line } from './line.ts'

export type Push = ConstructorParameters<typeof Pusher>[3]

export interface Queued {
  id: string
  /** Earlier ones that it has taken up. */
  absorbs: readonly string[]
}

export interface NodeDeviceOptions {
  pg: PGlite
  user_id: string
  /** Where the shapes are. */
  origin: string
  push: Push
  /** Stands between the engine and its replica: a way to get it wrong. */
  replica?: ((right: Replica) => Replica) | undefined
  /** What people see has changed. */
  onShown: (device: NodeDevice) => void
}

/**
 * A device without a browser: the product's pusher, settler, feeds and replica over a store in memory and PGlite. Both
 * outlive the engine, as files do.
 */
export class NodeDevice {
  readonly id = newId()
  readonly store = new MemoryStore()
  readonly line: Line
  readonly options: NodeDeviceOptions
  #life: Life | undefined

  constructor(options: NodeDeviceOptions) {
    this.options = options
    this.line = new Line(options.user_id)
  }

  async start(): Promise<void> {
    const { pg, user_id, replica: flawed = (right) => right } = this.options
    this.#life = new Life(this, flawed(await replicaOver(pg, user_id)))
    await this.#life.start()
  }

  async stop(): Promise<void> {
    await this.#life?.stop()
    this.#life = undefined
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Every shape has been here once: people read from the replica. */
  get shows(): boolean {
    return this.#life?.complete ?? false
  }

  /** Queues; answers with nothing when it is refused here. */
  async mutate(name: string, args: Record<string, unknown>): Promise<Queued | undefined> {
    return this.#life?.mutate(name, args)
  }

  /** The line is back: nobody waits for the end of a pause. */
  hurry(): void {
    this.#life?.hurry()
  }

  async read<R>(sql: string, values: unknown[] = []): Promise<R[]> {
    // what the caller asks for is what it gets: these are tests
    return (await this.options.pg.query<R>(sql, values)).rows
  }
}

/** One engine of a device, from start to end: the parts of `client/engine.ts` that need no browser, wired as there. */
class Life {
  readonly #device: NodeDevice
  readonly #replica: Replica
  readonly #serial = new Serial()
  readonly #health = new Health(() => undefined)
  readonly #fresh = new Set<ShapeName>()
  readonly #settler: Settler
  readonly #pusher: Pusher
  readonly #feeds: Map<ShapeName, ShapeFeed>
  #ended = false

  constructor(device: NodeDevice, replica: Replica) {
    const { origin, push } = device.options
    const { store: db, id: device_id, line } = device
    this.#device = device
    this.#replica = replica
    this.#feeds = new Map(
      SHAPE_NAMES.map((name) => [
        name,
        new ShapeFeed(name, `${origin}/api/sync/shapes/${name}`, line.fetchOf(name), {
          position: async (shape) => replica.position(shape),
          wanted: async () => ({ since: new Date(0).toISOString(), chats: [] }),
          apply: (shape, batch) => this.#apply(shape, batch),
          refetching: (shape) => {
            replica.refetching(shape)
            this.#fresh.delete(shape)
          },
          revoked: async (shape) => this.#settler.settle(await this.#serial.run(() => replica.revoke(shape))),
          failed: () => undefined,
        }),
      ]),
    )
    this.#settler = new Settler({
      db,
      serial: this.#serial,
      feeds: {
        refresh: (tables) => {
          for (const [name, feed] of this.#feeds) if (!tables || tables.includes(SHAPES[name].table)) feed.refresh()
        },
        allFresh: true,
      },
      health: this.#health,
      device_id,
      replica: () => replica,
      opening: () => false,
      onLeft: () => undefined,
      onChanged: () => device.options.onShown(device),
    })
    const nothing = () => undefined
    this.#pusher = new Pusher(
      db,
      device_id,
      {
        onAnswered: () => this.#settler.settle(),
        onReached: nothing,
        onLost: nothing,
        onUnauthorized: nothing,
        onProblem: nothing,
        onSolved: nothing,
      },
      push,
    )
  }

  get complete(): boolean {
    return this.#replica.complete
  }

  async start(): Promise<void> {
    void this.#pusher.run()
    await this.#settler.settle()
    for (const feed of this.#feeds.values()) void feed.run()
  }

  async stop(): Promise<void> {
    this.#ended = true
    this.#pusher.stop()
    this.#settler.stop()
    this.#health.stop()
    for (const feed of this.#feeds.values()) feed.stop()
    // the files belong to the next one only when this one has let go
    await this.#serial.run(async () => undefined)
  }

  async mutate(name: string, args: Record<string, unknown>): Promise<Queued | undefined> {
    const { store, id: device_id } = this.#device
    const version = MUTATORS[name]?.version ?? 1
    const mutation = { id: newId(), name, version, args, created_at: new Date().toISOString() }
    let absorbs: readonly string[] = []
    try {
      await this.#serial.run(async () => {
        const queued = await enqueue(store, device_id, mutation, async (joined, outbox) =>
          this.complete ? this.#replica.prepare(joined, outbox) : undefined,
        )
        absorbs = queued.absorbs ?? []
      })
    } catch {
      return undefined
    }
    this.#pusher.wake()
    await this.#settler.settle()
    return { id: mutation.id, absorbs }
  }

  hurry(): void {
    this.#pusher.wake()
    for (const feed of this.#feeds.values()) feed.refresh()
  }

  async #apply(shape: ShapeName, batch: Batch): Promise<void> {
    const tables = await this.#serial.run(async () => (this.#ended ? [] : this.#replica.apply(shape, batch)))
    if (this.#ended) return
    if (this.#replica.takeDamage(shape)) this.#feeds.get(shape)?.restart()
    else this.#fresh.add(shape)
    if (shape === 'acks') await this.#settler.noteAcks(batch)
    await this.#settler.settle(tables)
  }
}
