import type { Pending } from '../core/pending.ts'
import type { DeadEntry, DeviceStore, NewPending, OutboxRows, Rows } from '../client/device-store.ts'
import { Serial } from '../client/serial.ts'

/** All that a device keeps, as one value. */
export interface DeviceState {
  /** The number that was given last. */
  seq: number
  outbox: readonly (readonly [number, Pending])[]
  dead: readonly (readonly [string, DeadEntry])[]
  composer: readonly (readonly [string, { chat_id: string; text: string }])[]
  meta: readonly (readonly [string, { key: string; value: unknown }])[]
}

export const EMPTY_STATE: DeviceState = { seq: 0, outbox: [], dead: [], composer: [], meta: [] }

/** Runs one thing at a time; inside a transaction, at once. */
type Turn = <T>(task: () => Promise<T>) => Promise<T>

/** The device's store in memory: it outlives engines, not the process, unless `kept` puts its state somewhere. */
export class MemoryStore implements DeviceStore {
  readonly outbox: OutboxRows
  readonly dead: Rows<DeadEntry, string>
  readonly composer: Rows<{ chat_id: string; text: string }, string>
  readonly meta: Rows<{ key: string; value: unknown }, string>
  readonly #tables: Tables
  readonly #turn: Turn
  readonly #tx: DeviceStore

  /** `kept` is told of the state before what changed it is called done. */
  constructor(state: DeviceState = EMPTY_STATE, kept: (state: DeviceState) => void = () => undefined) {
    const tables = new Tables(state)
    const serial = new Serial()
    this.#tables = tables
    this.#turn = (task) =>
      serial.run(async () => {
        const before = tables.state()
        try {
          const result = await task()
          if (tables.takeChange()) kept(tables.state())
          return result
        } catch (error) {
          tables.restore(before)
          throw error
        }
      })
    const within = { ...tables.views((task) => task()), close: () => undefined }
    this.#tx = { ...within, atomically: (work) => work(this.#tx) }
    const { outbox, dead, composer, meta } = tables.views(this.#turn)
    this.outbox = outbox
    this.dead = dead
    this.composer = composer
    this.meta = meta
  }

  get state(): DeviceState {
    return this.#tables.state()
  }

  atomically<T>(work: (tx: DeviceStore) => Promise<T>): Promise<T> {
    return this.#turn(() => work(this.#tx))
  }

  close(): void {
    // memory needs no closing
  }
}

class Tables {
  #seq = 0
  #changed = false
  #outbox = new Map<number, Pending>()
  #dead = new Map<string, DeadEntry>()
  #composer = new Map<string, { chat_id: string; text: string }>()
  #meta = new Map<string, { key: string; value: unknown }>()

  constructor(state: DeviceState) {
    this.restore(state)
  }

  state(): DeviceState {
    const [outbox, dead, composer, meta] = [[...this.#outbox], [...this.#dead], [...this.#composer], [...this.#meta]]
    return { seq: this.#seq, outbox, dead, composer, meta }
  }

  restore({ seq, outbox, dead, composer, meta }: DeviceState): void {
    this.#seq = seq
    this.#changed = false
    this.#outbox = new Map(outbox)
    this.#dead = new Map(dead)
    this.#composer = new Map(composer)
    this.#meta = new Map(meta)
  }

  takeChange(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  views(turn: Turn): Pick<DeviceStore, 'outbox' | 'dead' | 'composer' | 'meta'> {
    return {
      outbox: this.#numbered(turn),
      dead: this.#keyed(
        turn,
        () => this.#dead,
        (row) => row.id,
      ),
      composer: this.#keyed(
        turn,
        () => this.#composer,
        (row) => row.chat_id,
      ),
      meta: this.#keyed(
        turn,
        () => this.#meta,
        (row) => row.key,
      ),
    }
  }

  /** Rows go in and out as copies, as in IndexedDB: nobody changes what is stored by changing what was read. */
  #keyed<Row, Key extends string | number>(
    turn: Turn,
    rows: () => Map<Key, Row>,
    keyOf: (row: Row) => Key,
  ): Rows<Row, Key> {
    return {
      get: (key) => turn(async () => structuredClone(rows().get(key))),
      put: (row) => turn(async () => this.#change(() => rows().set(keyOf(row), structuredClone(row)))),
      delete: (key) => turn(async () => this.#change(() => void rows().delete(key))),
      bulkDelete: (keys) => turn(async () => this.#change(() => keys.forEach((key) => rows().delete(key)))),
      toArray: () =>
        turn(async () => structuredClone([...rows()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row))),
      count: () => turn(async () => rows().size),
    }
  }

  #numbered(turn: Turn): OutboxRows {
    const rows = this.#keyed(
      turn,
      () => this.#outbox,
      (row) => row.seq,
    )
    const find = (id: string) => [...this.#outbox.values()].find((row) => row.id === id)
    return {
      ...rows,
      get: (key) => (typeof key === 'number' ? rows.get(key) : turn(async () => structuredClone(find(key.id)))),
      add: (row: NewPending) =>
        turn(async () => {
          if (find(row.id)) throw new Error(`${row.id} is in the outbox`)
          this.#change(() => (this.#seq = Math.max(this.#seq + 1, row.seq ?? 0)))
          this.#outbox.set(this.#seq, structuredClone({ ...row, seq: this.#seq }))
          return this.#seq
        }),
      update: (seq, changes) =>
        turn(async () => {
          const row = this.#outbox.get(seq)
          if (row) this.#change(() => this.#outbox.set(seq, structuredClone({ ...row, ...changes })))
        }),
    }
  }

  #change<T>(change: () => T): T {
    this.#changed = true
    return change()
  }
}
