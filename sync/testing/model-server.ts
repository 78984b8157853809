import { clampHlc } from '../../shared/kernel/hlc.ts'
import {
  currentArgs,
  rowKeyText,
  type MutationContext,
  type Mutator,
  type Row,
  type Write,
} from '../../shared/kernel/mutator.ts'
import { AppError, userError } from '../../shared/kernel/errors.ts'
import { keyOfWrite } from '../core/effect.ts'
import type { Mutation, MutationResult } from '../protocol/push.ts'
import { SHAPE_NAMES, SHAPES, shapeOfTable, type ShapeName } from '../protocol/shapes.ts'
import { ModelShape, type LogEntry, type ShapeReply } from './model-shape.ts'

/** What a server must get right; the simulator tries what happens when it does not. */
export interface ServerRules {
  /** The answer to a mutation that has been decided before; undefined: it is new. */
  known(mutation: Mutation, ledger: ReadonlyMap<string, MutationResult>, last_seq: number): MutationResult | undefined
  /** The transactions that a mutation's writes and its ack are committed in. */
  transactions(writes: Write[], ack: Write): Write[][]
  /** The LSN that an up-to-date names, of a shape that is complete up to `seen`. */
  label(seen: bigint, now: bigint): bigint
}

export const RIGHT_RULES: ServerRules = {
  known: (mutation, ledger, last_seq) => {
    const before = ledger.get(mutation.id)
    if (!before && mutation.seq > last_seq) return undefined
    return { id: mutation.id, status: 'duplicate', ...(before?.error ? { error: before.error } : {}) }
  },
  transactions: (writes, ack) => [[...writes, ack]],
  label: (seen) => seen,
}

/** Every commit moves the WAL by a multiple of this. */
const WAL_UNIT = 16n

/** A mutation that took effect: when, and on what. */
export interface Applied {
  id: string
  hlc: string
  commits: number
  writes: { table: string; key: string }[]
}

/**
 * The server's side of synchronisation in memory, for one person: ledger, tables, shape logs, LSNs. The oracle of
 * the simulator and the back end of the browser smoke.
 */
export class ModelServer {
  readonly user_id: string
  readonly tables = new Map<string, Map<string, Row>>()
  readonly applied: Applied[] = []
  /** What it does not let anybody write, for reasons of its own. */
  refuses: (write: Write) => boolean = () => false
  /** Messages an answer of a shape. */
  page = Number.POSITIVE_INFINITY
  readonly #mutators: Readonly<Record<string, Mutator>>
  readonly #rules: ServerRules
  readonly #ledger = new Map<string, MutationResult>()
  readonly #shapes = new Map<ShapeName, ModelShape>()
  readonly #withdrawn = new Set<ShapeName>()
  readonly #later: Write[][] = []
  readonly #waiters = new Set<() => void>()
  readonly #step: () => number
  /** So that LSNs soon grow by a digit. */
  #lsn = 600n * WAL_UNIT
  #commits = 0
  #seq = 0
  #handles = 0
  #moves = 0

  /** `step`: how far the WAL moves with each commit; at least 1. */
  constructor(
    user_id: string,
    mutators: Readonly<Record<string, Mutator>>,
    step: () => number = () => 8,
    rules: ServerRules = RIGHT_RULES,
  ) {
    this.user_id = user_id
    this.#mutators = mutators
    this.#step = step
    this.#rules = rules
    this.restart()
  }

  /** Commits so far. */
  get commits(): number {
    return this.#commits
  }

  /** Applies a push: each mutation is one transaction; a refusal is acked in one of its own. */
  push(device_id: string, mutations: readonly Mutation[], now = new Date().toISOString()): MutationResult[] {
    return mutations.map((mutation) => {
      this.goOn()
      const last_seq = Number(this.row('acks', { device_id })?.['last_seq'] ?? 0)
      const known = this.#rules.known(mutation, this.#ledger, last_seq)
      if (known) {
        // queued twice on the device, under two places: decided once, and acked up to the later place
        if (mutation.seq > last_seq) this.#commit([this.#ack(device_id, mutation.seq, now)])
        return known
      }
      const result = this.#run(mutation, now, device_id)
      this.#ledger.set(mutation.id, result)
      return result
    })
  }

  /** Commits what a push has left for later. */
  goOn(): void {
    for (const writes of this.#later.splice(0)) this.#commit(writes)
  }

  /** A change by the server itself (a run's answer, another person's act). */
  write(writes: readonly Write[]): void {
    this.goOn()
    this.#commit(writes)
  }

  row(table: string, key: Record<string, string>): Row | undefined {
    return this.tables.get(table)?.get(rowKeyText(table, key))
  }

  rows(table: string): Row[] {
    return [...(this.tables.get(table)?.values() ?? [])]
  }

  /** Rows of a shape as the wire carries them. */
  cells(name: ShapeName): Record<string, string | null>[] {
    return this.rows(SHAPES[name].table).map((row) => this.#shape(name).cells(row))
  }

  /** The shape's log is gone: followers get 409 and start again. */
  rotate(name: ShapeName): void {
    const rows = () => this.rows(SHAPES[name].table)
    this.#shapes.set(name, new ModelShape(name, `h-${++this.#handles}`, rows))
    this.#wake()
  }

  /** All logs are gone, as after a restart of the embedded shape server. */
  restart(): void {
    for (const name of SHAPE_NAMES) this.rotate(name)
  }

  /** The database has been moved to another cluster by dump and restore: the rows are the same, the WAL starts anew. */
  move(): void {
    this.#moves++
    // no LSN of one WAL is one of another, as no two places of real ones are
    this.#lsn = BigInt(this.#commits) * WAL_UNIT + BigInt(this.#moves)
    this.restart()
  }

  /** The shape's consumer stands still, or goes on. */
  stall(name: ShapeName, still: boolean): void {
    const shape = this.#shape(name)
    shape.stalled = still ? (shape.stalled ?? { lsn: this.#lsn, commits: this.#commits }) : undefined
    if (!still) this.#wake()
  }

  /** The person may no longer read this shape, nor write its table. */
  withdraw(name: ShapeName): void {
    this.#withdrawn.add(name)
    this.#wake()
  }

  withdrawn(name: ShapeName): boolean {
    return this.#withdrawn.has(name)
  }

  /** Resolves at the next commit or rotation. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  /** One request of Electric's protocol; a live one that has nothing answers undefined: wait and ask again. */
  shape(name: ShapeName, query: Record<string, string | undefined>, timedOut = false): ShapeReply | undefined {
    if (this.#withdrawn.has(name)) return { status: 403, headers: {}, body: '{}' }
    const shape = this.#shape(name)
    const { offset = '-1', handle, live } = query
    if (offset !== '-1' && offset !== 'now' && handle !== shape.handle) {
      const body = '[{"headers":{"control":"must-refetch"}}]'
      return { status: 409, headers: { 'electric-handle': shape.handle }, body }
    }
    const now = { lsn: this.#lsn, commits: this.#commits }
    const { label } = this.#rules
    if (query['subset'] !== undefined) return shape.subset({ now, query })
    const partial = query['log'] === 'changes_only'
    const place = partial && offset === '-1' ? 'now' : offset
    return shape.read({ offset: place, live: live !== undefined, partial, timedOut, now, page: this.page, label })
  }

  #run(mutation: Mutation, now: string, device_id: string): MutationResult {
    const mutator = this.#mutators[mutation.name]
    const ack = this.#ack(device_id, mutation.seq, now)
    try {
      if (!mutator) throw new AppError('user', 'sync/unknown-mutation')
      const created = mutation.created_at < now ? mutation.created_at : now
      const hlc = clampHlc(mutation.hlc, Date.parse(now)) ?? mutation.hlc
      const ctx: MutationContext = { user_id: this.user_id, now: created, hlc, mutation_id: mutation.id }
      const writes = mutator.run(currentArgs(mutator, mutation), { get: (table, key) => this.row(table, key) }, ctx)
      const keys = writes.map(keyOfWrite)
      if (keys.some(({ table }) => this.#mayNotWrite(table))) throw userError('auth/forbidden')
      if (writes.some((write) => this.refuses(write))) throw userError('agent/not-runnable')
      const [first = [], ...later] = this.#rules.transactions(writes, ack)
      this.#commit(first)
      this.#later.push(...later)
      const written = keys.map(({ table, key }) => ({ table, key: rowKeyText(table, key) }))
      this.applied.push({ id: mutation.id, hlc, commits: this.#commits + later.length, writes: written })
      return { id: mutation.id, status: 'applied' }
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== 'user') throw error
      this.#commit([ack])
      return { id: mutation.id, status: 'rejected', error: { code: error.code } }
    }
  }

  #ack(device_id: string, seq: number, now: string): Write {
    const row = { device_id, user_id: this.user_id, last_seq: seq, updated_at: now }
    return { op: 'upsert', table: 'acks', row }
  }

  #mayNotWrite(table: string): boolean {
    const shape = shapeOfTable(table)
    return shape !== undefined && this.#withdrawn.has(shape.name)
  }

  #commit(writes: readonly Write[]): void {
    this.#lsn += BigInt(Math.max(1, this.#step())) * WAL_UNIT
    this.#commits++
    writes.forEach((write, position) => this.#write(write, position))
    this.#wake()
  }

  #write(write: Write, position: number): void {
    const { table, key } = keyOfWrite(write)
    const rows = this.tables.get(table) ?? new Map<string, Row>()
    this.tables.set(table, rows)
    const id = rowKeyText(table, key)
    const before = rows.get(id)
    if (write.op === 'delete') {
      if (!before) return
      rows.delete(id)
      return this.#log(table, 'delete', key, position)
    }
    if (write.op === 'update' || (write.op === 'upsert' && before)) {
      if (!before) return
      const set = write.op === 'update' ? write.set : write.row
      rows.set(id, { ...before, ...set })
      return this.#log(table, 'update', { ...key, ...set }, position)
    }
    if (before) throw new AppError('user', 'row/exists')
    const row = table === 'chat_messages' ? { ...write.row, seq: ++this.#seq } : write.row
    rows.set(id, row)
    this.#log(table, 'insert', row, position)
  }

  #log(table: string, op: LogEntry['op'], row: Row, position: number): void {
    const name = shapeOfTable(table)?.name
    if (!name) return
    const shape = this.#shape(name)
    shape.add({ lsn: this.#lsn, commits: this.#commits, position, op, value: shape.cells(row) })
  }

  #shape(name: ShapeName): ModelShape {
    const shape = this.#shapes.get(name)
    if (!shape) throw new Error(`no shape ${name}`)
    return shape
  }

  #wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }
}
