import type { DeviceStore } from './device-store.ts'
import { readFreshness } from './device.ts'
import type { Feeds } from './feeds.ts'
import type { HelloValue, HostCall, NewMutation } from './host-protocol.ts'
import type { Holdings } from './holdings.ts'
import type { LiveQueries } from './live-queries.ts'
import type { ShapeStock } from './local-store.ts'
import { enqueue } from './outbox.ts'
import type { ReplicaLife } from './replica-life.ts'
import type { Serial } from './serial.ts'
import { storageError } from './storage-trouble.ts'

export interface TabCallsDeps {
  db: DeviceStore
  device_id: string
  serial: Serial
  life: ReplicaLife
  live: LiveQueries
  holdings: Holdings
  feeds: Feeds
  /** A tab has come, with the epoch that it knows. */
  onHello: (epoch: number) => HelloValue
  /** Something was queued. */
  onQueued: () => Promise<void>
  onRebuild: () => Promise<void>
  onWipe: () => Promise<void>
}

/** What tabs may ask of the engine. Each call may come twice: reads are repeatable, mutations carry their id. */
export class TabCalls {
  readonly #deps: TabCallsDeps

  constructor(deps: TabCallsDeps) {
    this.#deps = deps
  }

  async answer(body: HostCall): Promise<unknown> {
    const { life, live, holdings, onHello, onRebuild, onWipe } = this.#deps
    switch (body.op) {
      case 'hello':
        return onHello(body.epoch)
      case 'mutate':
        return this.#mutate(body.mutation)
      case 'read':
        return life.needed().read(body.sql, body.values)
      case 'query':
        return life.needed().query(body.sql, body.values)
      case 'watch':
        life.needed()
        return live.watch(body.watch, body.sql, body.values, body.tables)
      case 'unwatch':
        return live.unwatch(body.watch)
      case 'stock':
        return this.#stock()
      case 'has-chat':
        return holdings.has(body.chat_id)
      case 'fetch-chat':
        await holdings.fetch(body.chat_id)
        return null
      case 'rebuild':
        await onRebuild()
        return null
      case 'wipe':
        await onWipe()
        return null
    }
  }

  async #stock(): Promise<ShapeStock[]> {
    const { db, life, feeds } = this.#deps
    const before = await readFreshness(db)
    const held = (await life.current?.stock()) ?? []
    return held.map(({ shape, rows, bytes }) => {
      const fresh = feeds.isFresh(shape)
      const fresh_at = fresh ? Date.now() : (feeds.freshAt.get(shape) ?? before[shape] ?? null)
      return { shape, rows, bytes, fresh, fresh_at }
    })
  }

  async #mutate(mutation: NewMutation): Promise<null> {
    const { db, device_id, serial, life, onQueued } = this.#deps
    await serial
      .run(() => enqueue(db, device_id, mutation, (joined, outbox) => life.prepare(joined, outbox)))
      .catch((error: unknown) => {
        throw storageError(error)
      })
    await onQueued()
    return null
  }
}
