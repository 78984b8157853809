import { RUN_STARTERS } from '../../shared/chat/run-starters.ts'
import { rowKeyText, type Row } from '../../shared/kernel/mutator.ts'
import { SHAPES, shapeOfTable, type ShapeName } from '../protocol/shapes.ts'
import { ASK_AFTER_MS } from '../core/hold.ts'
import type { Mutation } from '../protocol/push.ts'
import type { Applied, ModelServer } from './model-server.ts'
import type { SimDevice } from './sim-device.ts'
import { synced, visible } from './sim-store.ts'

/** What a mutation promises the person who made it. */
export interface Fact {
  table: string
  key: Record<string, string>
  /** It changes a row that may be somebody else's: that can be lost with the replica, and shows for a moment as it comes. */
  rests?: true
  /** Must show as written. */
  set?: Record<string, unknown>
  /** It is written whatever clock is there: when what it rests on is held and goes later, it overwrites what came after it. */
  clockless?: true
  /** Must show as written, or as somebody wrote with a later clock. */
  latest?: Record<string, unknown>
}

/** A line that somebody writes into a draft, over another that they have seen. */
export interface DraftLine {
  draft: string
  text: string
  over: string
}

interface Promised extends Fact {
  id: string
  shape: ShapeName
  mutation: string
}

interface Written {
  device: number
  value: unknown
  mutation: string
  hlc: string
}

/** How far the clocks of a schedule may be off, and some. */
const WRONG_CLOCKS_MS = 3 * 3_600_000

const { table: MESSAGES } = SHAPES.messages

/** Everything that people were promised, and whether it is kept. The numbers are those of SPEC.md §3. */
export class Facts {
  readonly #server: ModelServer
  readonly #devices: readonly SimDevice[]
  readonly #promised: Promised[][]
  readonly #queued: string[][]
  /** Who wrote what into a column where the latest clock wins. */
  readonly #written = new Map<string, Written[]>()
  /** Ids that a device gave a mutation later. */
  readonly #names = new Map<string, string>()
  readonly #gone = new Set<string>()
  /** What each device was when it was looked at last. */
  readonly #seen: unknown[][] = []
  readonly #applied = new Map<string, Applied>()
  /** When somebody wanted a mutation to be sent, epoch ms. */
  readonly #wanted = new Map<string, number>()
  /** Columns without a clock whose writers were put in another order. */
  readonly #reordered = new Set<string>()
  /** Lines that nobody who saw them wrote over, with their drafts. */
  readonly #lines = new Map<string, string>()
  /** Rows and their tables that a mutation in the overlay covered. */
  readonly #covered = new Map<string, Map<string, string>>()

  constructor(server: ModelServer, devices: readonly SimDevice[]) {
    this.#server = server
    this.#devices = devices
    this.#promised = devices.map(() => [])
    this.#queued = devices.map(() => [])
  }

  promise(index: number, mutation: string, hlc: string, facts: readonly Fact[]): void {
    this.#queued[index]?.push(mutation)
    for (const fact of facts) {
      const id = rowKeyText(fact.table, fact.key)
      const shape = shapeOfTable(fact.table)?.name
      if (shape) this.#promised[index]?.unshift({ ...fact, id, shape, mutation })
      for (const [column, value] of Object.entries(fact.latest ?? {})) {
        const place = `${id}.${column}`
        this.#written.set(place, [...(this.#written.get(place) ?? []), { device: index, value, mutation, hlc }])
      }
    }
  }

  /** Rows that the server has done away with: nothing is promised of them any more. */
  gone(keys: readonly { table: string; key: Record<string, string> }[]): void {
    for (const { table, key } of keys) this.#gone.add(rowKeyText(table, key))
  }

  /** A device has queued a mutation at `now`, epoch ms; perhaps with a line of a draft. */
  wrote(mutation: string, now: number, line: DraftLine | undefined): void {
    this.#wanted.set(mutation, now)
    if (!line) return
    // whoever writes over a line has seen it
    this.#lines.delete(line.over)
    this.#lines.set(line.text, line.draft)
  }

  /** The person has agreed to send these after all. */
  agreed({ asked, moved }: ReturnType<SimDevice['agree']>, now: number): void {
    for (const id of asked) this.#wanted.set(this.#nameOf(id), now)
    for (const fact of this.#promised.flat())
      if (fact.clockless && moved.includes(fact.mutation))
        for (const place of placesOf(fact)) this.#reordered.add(place)
  }

  /** I16: what starts a run leaves within a day of its person's word. */
  sent(batch: readonly Mutation[], now: number): void {
    for (const { id, name } of batch) {
      const wanted = this.#wanted.get(this.#nameOf(id)) ?? now
      if (RUN_STARTERS.includes(name) && now - wanted > ASK_AFTER_MS + WRONG_CLOCKS_MS)
        throw new Error(`I16: ${id} was sent ${now - wanted} ms after it was wanted`)
    }
  }

  renamed(old: string, id: string): void {
    this.#names.set(id, this.#nameOf(old))
  }

  /** At every moment: what a device may show. */
  check(device: SimDevice): void {
    const index = this.#devices.indexOf(device)
    if (!device.engine.shows || this.#isAsBefore(index, device)) return
    for (const one of this.#server.applied.slice(this.#applied.size)) this.#applied.set(one.id, one)
    const dead = new Set(device.idb.dead.map(({ item }) => item.id))
    const waiting = new Set(device.idb.outbox.map(({ id }) => id))
    this.#checkShown(index, device, dead)
    this.#checkRows(device)
    for (const mutation of this.#queued[index] ?? []) {
      const applied = this.#applied.get(mutation)
      if (!applied) continue
      if (dead.has(mutation)) throw new Error(`I3: ${mutation} took effect and lies among the dead letters`)
      if (waiting.has(mutation)) this.#noteShown(device, applied)
      else this.#checkLeft(device, applied)
    }
  }

  /** Nothing has changed on this device since it was looked at last. */
  #isAsBefore(index: number, { engine, idb }: SimDevice): boolean {
    const before = this.#seen[index] ?? []
    const now = [engine, engine.now, engine.tasks.busy, idb.outbox, idb.dead.length, this.#promised[index]?.length]
    this.#seen[index] = now
    return now.every((one, place) => one === before[place])
  }

  /** The rows that a mutation covers here, of those that it has changed on the server. */
  #noteShown(device: SimDevice, { id, writes }: Applied): void {
    const shown = this.#covered.get(id) ?? new Map<string, string>()
    this.#covered.set(id, shown)
    const hlc = device.idb.outbox.find((item) => item.id === id)?.hlc ?? ''
    for (const { table, key } of writes) {
      const row = device.engine.now.local.get(key)?.row
      // rows say by their clocks who wrote them; those that have none are written once
      if (row && (row['hlc'] ?? hlc) === hlc) shown.set(key, table)
    }
  }

  /** I1: what a device wrote shows on it, unless it was refused. */
  #checkShown(index: number, device: SimDevice, dead: ReadonlySet<string>): void {
    // queued while reads went to the server, and refused here since: the server will say what becomes of it
    const open = new Set(device.idb.outbox.filter(({ effect }) => !effect).map(({ id }) => id))
    // columns that a later act of this device has been looked for in: the earlier one may have gone under
    const seen = new Set<string>()
    for (const fact of this.#promised[index] ?? []) {
      const { id, table, rests, mutation } = fact
      // a refused one is buried first, and goes from sight when the overlay is made anew
      if (dead.has(mutation) && device.engine.tasks.busy) for (const place of placesOf(fact)) seen.add(place)
      if (dead.has(mutation) || this.#isVoid(fact)) continue
      const row = visible(device.engine.now, table, id)
      const excused = open.has(mutation) || this.#cameLate(mutation, id)
      const coming = rests === true && (!row || device.engine.tasks.busy)
      if (!row && !excused && !coming) throw new Error(`I1: ${id} vanished from device ${index}`)
      this.#checkColumns(index, fact, row, excused || coming, seen)
    }
  }

  /** Nothing is promised of rows that may not be read any more, or that the server has done away with. */
  #isVoid({ id, shape }: Promised): boolean {
    return this.#server.withdrawn(shape) || this.#gone.has(id)
  }

  #checkColumns(index: number, fact: Promised, row: Row | undefined, excused: boolean, seen: Set<string>): void {
    const { id, set, latest, mutation } = fact
    for (const [column, value] of Object.entries({ ...set, ...latest })) {
      const place = `${id}.${column}`
      const shown = row?.[column]
      const right =
        excused ||
        seen.has(place) ||
        this.#reordered.has(place) ||
        shown === value ||
        (latest && this.#isLater(place, shown, mutation))
      seen.add(place)
      if (!right) throw new Error(`I1: ${place} shows ${String(shown)} instead of ${String(value)} on ${index}`)
    }
  }

  /** The server took it in and changed nothing by it: somebody's later word was there already. */
  #cameLate(mutation: string, id: string): boolean {
    const applied = this.#applied.get(mutation)
    return applied !== undefined && !applied.writes.some(({ key }) => key === id)
  }

  /** I8: an answer that is here is not hidden by the place that was kept for it. I23: questions come with their answers. */
  #checkRows(device: SimDevice): void {
    const { now, tasks } = device.engine
    for (const [key, { table, row }] of now.local) {
      const arrived = synced(now, table, key)
      if (!tasks.busy && table === MESSAGES && arrived?.['status'] === 'sent' && row?.['status'] === 'sending')
        throw new Error(`I8: ${key} is covered by what asked for it`)
    }
    for (const { id, writes } of this.#applied.values()) {
      const messages = writes.filter(({ table, key }) => table === MESSAGES && !this.#gone.has(key))
      const here = messages.filter(({ key }) => synced(now, MESSAGES, key))
      if (here.length > 0 && here.length < messages.length) throw new Error(`I23: half of ${id} is here`)
    }
  }

  /** I5: the rows that a mutation covers no longer have come from the server, in every shape. */
  #checkLeft(device: SimDevice, { id, commits }: Applied): void {
    for (const table of this.#covered.get(id)?.values() ?? []) {
      const name = shapeOfTable(table)?.name
      const held = name && !this.#server.withdrawn(name) ? device.engine.commitsHeld(name) : undefined
      if (held !== undefined && held < commits) throw new Error(`I5: ${id} left before ${name} had it`)
    }
  }

  /** In the end: what became of everything. */
  checkEnd(): void {
    const applied = this.#server.applied.map(({ id }) => this.#nameOf(id))
    if (new Set(applied).size !== applied.length) throw new Error('I2: something was applied twice')
    const dead = this.#devices.flatMap(({ idb }) => idb.dead.map(({ item }) => this.#nameOf(item.id)))
    const ended = new Set([...applied, ...dead])
    for (const id of this.#queued.flat()) if (!ended.has(id)) throw new Error(`I3: ${id} was lost`)
    for (const [place, written] of this.#written) if (!this.#reordered.has(place)) this.#checkLatest(place, written)
    this.#checkLines()
  }

  /** I20: a line is in its draft, in an open conflict, or in what was refused. */
  #checkLines(): void {
    const drafts = this.#server.rows(SHAPES.drafts.table).map((row) => row['system_prompt'])
    const open = this.#server.rows(SHAPES.draft_conflicts.table).filter((row) => row['settled_at'] === null)
    const refused = this.#devices.flatMap(({ idb }) => idb.dead.map(({ item }) => item.args))
    const left = JSON.stringify([drafts, open.map((row) => row['mine']), refused])
    for (const [line, draft] of this.#lines)
      if (!left.includes(line)) throw new Error(`I20: ${line} of ${draft} is gone`)
  }

  /** The latest clock has won. */
  #checkLatest(place: string, written: readonly Written[]): void {
    const done = new Map(this.#server.applied.map((one) => [one.id, one.hlc]))
    const candidates = written.flatMap(({ value, mutation }) => {
      const hlc = done.get(mutation)
      return hlc === undefined ? [] : [{ value, hlc }]
    })
    if (candidates.length === 0 || this.#gone.has(place.slice(0, place.lastIndexOf('.')))) return
    const last = candidates.reduce((one, other) => (other.hlc >= one.hlc ? other : one))
    const [, table = '', row = '', column = ''] = /^(\w+)(\/.*)\.(\w+)$/.exec(place) ?? []
    const value = this.#server.tables.get(table)?.get(table + row)?.[column]
    if (value !== last.value) throw new Error(`I24: ${place} is ${String(value)} instead of ${String(last.value)}`)
  }

  /** Somebody else wrote it with a later clock: on one device, what was done later is later. */
  #isLater(place: string, value: unknown, than: string): boolean {
    const written = this.#written.get(place) ?? []
    const clock = ({ mutation, hlc }: Written) => this.#applied.get(mutation)?.hlc ?? hlc
    const mine = written.find(({ mutation }) => mutation === than)
    if (!mine) return false
    return written.some((one) => one.value === value && one.device !== mine.device && clock(one) > clock(mine))
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id
  }
}

/** Columns of rows that it says something of. */
function placesOf({ id, set, latest }: Promised): string[] {
  return Object.keys({ ...set, ...latest }).map((column) => `${id}.${column}`)
}
