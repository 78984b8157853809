import { formatHlc, type Hlc } from '../../shared/kernel/hlc.ts'
import { rowKeyText, type Mutator, type Row, type RowKey } from '../../shared/kernel/mutator.ts'
import { adoptTime, behindBy, latestQueued } from '../core/clock.ts'
import { dependants } from '../core/effect.ts'
import { heldBack, withFollowers } from '../core/hold.ts'
import type { Pending, Refusal } from '../core/pending.ts'
import type { Mutation } from '../protocol/push.ts'
import type { ShapeName } from '../protocol/shapes.ts'
import type { ModelServer } from './model-server.ts'
import type { Practices } from './practices.ts'
import { SimEngine } from './sim-engine.ts'
import type { SimHost } from './sim-host.ts'
import { EMPTY_STORE, visible, type Cells, type Store } from './sim-store.ts'

/** How a process ends: in order, or with everything lost that was not on disk. */
export type End = 'closed' | 'killed'

export type DeviceEvent =
  | { do: 'end'; how: End }
  | { do: 'lose replica' | 'write behind' | 'deliver' }
  | { do: 'line' | 'session'; on: boolean }
  | { do: 'clock'; skew: number }
  | { do: 'disk trouble'; times: number }

/** What somebody does on a device, and the row that it is about. */
export interface SimMutation {
  id: string
  name: string
  args: Record<string, unknown>
  on: RowKey
  version?: number | undefined
}

export interface SimWorld {
  server: ModelServer
  mutators: Readonly<Record<string, Mutator>>
  practices: Practices
  /** Real time, epoch ms. */
  now(): number
  newId(): string
  /** A device sends what it queued as `old` under another id. */
  renamed(old: string, id: string): void
  /** Mutations leave a device. */
  sent(device: SimDevice, batch: readonly Mutation[]): void
  /** A device has done something: what it shows may be looked at. */
  stepped(device: SimDevice): void
}

/** A device: what IndexedDB keeps, its line to the server, and the engine of the moment. */
export class SimDevice implements SimHost {
  readonly id: string
  readonly idb: SimHost['idb'] = { outbox: [], dead: [] }
  line = true
  session = true
  diskTrouble = 0
  /** Mutations that asked, and were sent after all. */
  agreedTo = 0
  /** How far the wall clock is off, ms. */
  skew: number
  readonly underway: Mutation[][] = []
  readonly #world: SimWorld
  #engine: SimEngine
  /** An engine that was replaced while it was frozen. */
  #frozen: SimEngine | undefined
  #seq = 0
  #clock: Hlc = { ms: 0, counter: 0 }
  /** How far the wall clock was behind the server's when its time was heard last, ms. */
  #behind = 0

  constructor(id: string, world: SimWorld, skew: number) {
    this.id = id
    this.#world = world
    this.skew = skew
    this.#engine = new SimEngine(this, EMPTY_STORE)
  }

  get server(): ModelServer {
    return this.#world.server
  }

  get practices(): Practices {
    return this.#world.practices
  }

  get mutators(): Readonly<Record<string, Mutator>> {
    return this.#world.mutators
  }

  get engine(): SimEngine {
    return this.#engine
  }

  /** The engine that shall work next: in a wrong world, the one that should have stopped may. */
  worker(other: boolean): SimEngine {
    return (other && this.#frozen) || this.#engine
  }

  time(): string {
    return new Date(this.#world.now()).toISOString()
  }

  /** Queues a mutation unless it is refused here. Answers with its clock. */
  mutate({ id, name, args, on, version = 1 }: SimMutation): string | undefined {
    const { practices } = this.#world
    const now = this.#world.now() + this.skew + this.#behind
    const clock = practices.tick(this.#clock, now)
    const hlc = formatHlc(clock, this.id.slice(-12))
    const item: Pending = {
      id,
      seq: this.#seq + 1,
      name,
      version,
      args: practices.args(name, args, () => this.#engine.row(on)),
      hlc,
      created_at: new Date(now).toISOString(),
    }
    if (!this.#engine.mutate(item)) return undefined
    this.#clock = clock
    this.#seq++
    return hlc
  }

  stepped(): void {
    this.#world.stepped(this)
  }

  sent(batch: readonly Mutation[]): void {
    this.#world.sent(this, batch)
  }

  /** `release` of `client/outbox.ts`, for everything that asks. Answers with what was agreed to, and what moved with it. */
  agree(): { asked: string[]; moved: string[] } {
    const { asks } = heldBack(this.idb.outbox, this.#world.now())
    const moved = [...asks].flatMap((id) => this.#release(id))
    this.agreedTo += asks.size
    return { asked: [...asks], moved }
  }

  #release(id: string): string[] {
    const item = this.idb.outbox.find((one) => one.id === id)
    if (!item || item.outcome) return []
    const group = withFollowers(item, this.idb.outbox)
    const rest = this.idb.outbox.filter((one) => !group.includes(one))
    const moved = group.map((one) => ({
      ...one,
      lsn: undefined,
      seq: this.practices.movedTo(one.seq, () => ++this.#seq),
    }))
    const agreed_at = this.#world.now()
    this.idb.outbox = [...rest, ...moved.map((one) => (one.id === id ? { ...one, agreed_at } : one))]
    return moved.map((one) => one.id)
  }

  change(id: string, more: Partial<Pending>): void {
    this.idb.outbox = this.idb.outbox.map((item) => (item.id === id ? { ...item, ...more } : item))
  }

  bury(refused: readonly { id: string; error: Refusal }[]): void {
    for (const { id, error } of refused) {
      const item = this.idb.outbox.find((one) => one.id === id)
      if (!item) continue
      const lost = [item, ...dependants(item, this.idb.outbox)]
      for (const one of this.practices.dropsDependants ? [item] : lost) this.idb.dead.push({ item: one, error })
      this.idb.outbox = this.idb.outbox.filter((one) => !lost.includes(one))
    }
  }

  sendAgain(ids: readonly string[]): void {
    this.idb.outbox = this.idb.outbox.map((item) => {
      if (!ids.includes(item.id) || item.outcome) return item
      const again = this.practices.resent(item, () => ({ id: this.#world.newId(), seq: ++this.#seq }))
      if (again !== item) this.#world.renamed(item.id, again.id)
      return again
    })
  }

  /** A push that was given up arrives after all. */
  deliver(): void {
    const [batch] = this.underway.splice(0, 1)
    try {
      if (batch) this.server.push(this.id, batch, this.time())
    } catch {
      // the server broke on it; nobody waits for the answer
    }
  }

  hearTime(): void {
    const now = this.#world.now()
    this.#clock = adoptTime(this.#clock, now, now + this.skew, latestQueued(this.idb.outbox))
    this.#behind = behindBy(now, now + this.skew)
  }

  /** What happens to a device from outside. */
  meet(event: DeviceEvent): void {
    switch (event.do) {
      case 'end':
        return this.restart(event.how)
      case 'lose replica':
        return this.loseReplica()
      case 'write behind':
        return this.#engine.writeBehind()
      case 'deliver':
        return this.deliver()
      case 'line':
        this.line = event.on
        // the socket opens, and the server says what time it is
        if (this.line) this.hearTime()
        return
      case 'session':
        this.session = event.on
        return
      case 'clock':
        this.skew = event.skew
        return
      case 'disk trouble':
        this.diskTrouble = event.times
    }
  }

  restart(end: End): void {
    if (end === 'killed') this.idb.outbox = this.practices.outboxAfterKill(this.idb.outbox)
    this.#become(end === 'killed' ? this.#engine.disk : this.#engine.now)
  }

  /** The replica is thrown away: everything is fetched again. */
  loseReplica(): void {
    this.#become(EMPTY_STORE)
  }

  /** Another worker takes the lead from this one, which looked dead, and gets files of its own. */
  steal(): void {
    const old = this.#engine
    this.loseReplica()
    if (!this.practices.stopsWithoutLead) this.#frozen = old
  }

  /** A row as people see it; undefined while reads go to the server. */
  shown(table: string, key: Record<string, string>): Row | null | undefined {
    return this.#engine.shows ? (visible(this.#engine.now, table, rowKeyText(table, key)) ?? null) : undefined
  }

  rows(name: ShapeName): Cells[] {
    return [...(this.#engine.now.shapes.get(name)?.rows.values() ?? [])]
  }

  #become(files: Store): void {
    this.#frozen = undefined
    this.#engine = new SimEngine(this, files)
  }
}
