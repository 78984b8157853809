import { clampHlc } from '../../shared/kernel/hlc.ts'
import { rowKeyText, type MutationContext, type Mutator, type Row, type Write } from '../../shared/kernel/mutator.ts'
import { AppError } from '../../shared/kernel/errors.ts'
import { pgTypeOf } from '../../shared/kernel/column.ts'
import { keyColumns, keyOfWrite } from '../core/effect.ts'
import { pgText } from '../core/pg-text.ts'
import type { Mutation, MutationResult } from '../protocol/push.ts'
import { SHAPE_NAMES, SHAPES, type ShapeDefinition, type ShapeName } from '../protocol/shapes.ts'

interface LogEntry {
  lsn: bigint
  op: 'insert' | 'update' | 'delete'
  value: Record<string, string | null>
}

export interface ShapeReply {
  status: number
  headers: Record<string, string>
  body: string
}

interface Shape {
  handle: string
  log: LogEntry[]
}

/**
 * The server's side of synchronisation in memory, for one person: ledger, tables, shape logs, LSNs. The oracle of
 * the simulator and the back end of the browser smoke.
 */
export class ModelServer {
  readonly user_id: string
  readonly tables = new Map<string, Map<string, Row>>()
  readonly applied: string[] = []
  readonly #mutators: Readonly<Record<string, Mutator>>
  readonly #ledger = new Map<string, MutationResult>()
  readonly #shapes = new Map<ShapeName, Shape>()
  readonly #waiters = new Set<() => void>()
  readonly #step: () => number
  #lsn = 1000n
  #seq = 0
  #handles = 0

  /** `step`: how far the WAL moves with each commit; at least 1. */
  constructor(user_id: string, mutators: Readonly<Record<string, Mutator>>, step: () => number = () => 8) {
    this.user_id = user_id
    this.#mutators = mutators
    this.#step = step
    for (const name of SHAPE_NAMES) this.#shapes.set(name, this.#freshShape())
  }

  get lsn(): bigint {
    return this.#lsn
  }

  /** Applies a push: each mutation is one transaction; a refusal is acked in one of its own. */
  push(device_id: string, mutations: readonly Mutation[], now = new Date().toISOString()): MutationResult[] {
    return mutations.map((mutation) => {
      const before = this.#ledger.get(mutation.id)
      if (before)
        return before.error
          ? { id: mutation.id, status: 'duplicate', error: before.error }
          : { id: mutation.id, status: 'duplicate' }
      const last = Number(this.#row('acks', { device_id })?.['last_seq'] ?? 0)
      if (mutation.seq <= last) return { id: mutation.id, status: 'duplicate' }
      const result = this.#run(mutation, now, device_id)
      this.#ledger.set(mutation.id, result)
      return result
    })
  }

  /** A change by the server itself (a run's answer, another person's act). */
  write(writes: readonly Write[]): void {
    this.#commit(writes)
  }

  row(table: string, key: Record<string, string>): Row | undefined {
    return this.#row(table, key)
  }

  rows(table: string): Row[] {
    return [...(this.tables.get(table)?.values() ?? [])]
  }

  /** The shape's log is gone: followers get 409 and start again. */
  rotate(name: ShapeName): void {
    this.#shapes.set(name, this.#freshShape())
    this.#wake()
  }

  /** Resolves at the next commit or rotation. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  /** One request of Electric's protocol; a live one that has nothing answers undefined: wait and ask again. */
  shape(name: ShapeName, query: Record<string, string | undefined>, timedOut = false): ShapeReply | undefined {
    const shape = this.#shapes.get(name)
    if (!shape) return { status: 404, headers: {}, body: '{}' }
    const { offset = '-1', handle, live } = query
    const fresh = offset === '-1' || offset === 'now'
    if (!fresh && handle !== shape.handle) {
      return {
        status: 409,
        headers: { 'electric-handle': shape.handle },
        body: '[{"headers":{"control":"must-refetch"}}]',
      }
    }
    const from = fresh ? this.#lsn : BigInt(offset.split('_')[0] ?? '0')
    const entries = shape.log.filter((entry) => entry.lsn > from)
    if (live && entries.length === 0 && !timedOut) return undefined
    return this.#answer(name, shape, offset === '-1' ? undefined : { from, entries }, live !== undefined)
  }

  /** Without a `log` part, the answer is the whole shape. */
  #answer(
    name: ShapeName,
    shape: Shape,
    log: { from: bigint; entries: LogEntry[] } | undefined,
    live: boolean,
  ): ShapeReply {
    const own = log?.entries.at(-1)?.lsn
    const messages = log ? log.entries.map((entry) => message(name, entry)) : this.#snapshot(name)
    messages.push({ headers: { control: 'up-to-date', global_last_seen_lsn: String((live && own) || this.#lsn) } })
    return {
      status: 200,
      headers: {
        'electric-handle': shape.handle,
        'electric-offset': `${log ? (own ?? log.from) : this.#lsn}_0`,
        'electric-up-to-date': '',
        ...(live ? { 'electric-cursor': String(Date.now()) } : { 'electric-schema': '{"x":{"type":"text"}}' }),
      },
      body: JSON.stringify(messages),
    }
  }

  #run(mutation: Mutation, now: string, device_id: string): MutationResult {
    const mutator = this.#mutators[mutation.name]
    const ack = (): Write => ({
      op: 'upsert',
      table: 'acks',
      row: { device_id, user_id: this.user_id, last_seq: mutation.seq, updated_at: now },
    })
    try {
      if (!mutator) throw new AppError('user', 'sync/unknown-mutation')
      const created = mutation.created_at < now ? mutation.created_at : now
      const hlc = clampHlc(mutation.hlc, Date.parse(now)) ?? mutation.hlc
      const ctx: MutationContext = { user_id: this.user_id, now: created, hlc, mutation_id: mutation.id }
      const writes = mutator.run(mutation.args, { get: (table, key) => this.#row(table, key) }, ctx)
      this.#commit([...writes, ack()])
      this.applied.push(mutation.id)
      return { id: mutation.id, status: 'applied' }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.#commit([ack()])
      return { id: mutation.id, status: 'rejected', error: { code: error.code } }
    }
  }

  #commit(writes: readonly Write[]): void {
    this.#lsn += BigInt(Math.max(1, this.#step()))
    for (const write of writes) this.#write(write)
    this.#wake()
  }

  #write(write: Write): void {
    const { table, key } = keyOfWrite(write)
    const rows = this.tables.get(table) ?? new Map<string, Row>()
    this.tables.set(table, rows)
    const id = rowKeyText(table, key)
    const before = rows.get(id)
    if (write.op === 'delete') {
      if (!before) return
      rows.delete(id)
      return this.#log(table, 'delete', key)
    }
    if (write.op === 'update' || (write.op === 'upsert' && before)) {
      if (!before) return
      const set = write.op === 'update' ? write.set : write.row
      rows.set(id, { ...before, ...set })
      return this.#log(table, 'update', { ...key, ...set })
    }
    if (before) throw new AppError('user', 'row/exists')
    const row = table === 'chat_messages' ? { ...write.row, seq: ++this.#seq } : write.row
    rows.set(id, row)
    this.#log(table, 'insert', row)
  }

  #log(table: string, op: LogEntry['op'], row: Row): void {
    for (const name of SHAPE_NAMES) {
      if (SHAPES[name].table !== table) continue
      this.#shapes.get(name)?.log.push({ lsn: this.#lsn, op, value: texts(SHAPES[name], row) })
    }
  }

  #snapshot(name: ShapeName): object[] {
    return this.rows(SHAPES[name].table).map((row) => ({
      key: keyOf(name, row),
      value: texts(SHAPES[name], row),
      headers: { operation: 'insert', relation: ['public', SHAPES[name].table] },
    }))
  }

  #row(table: string, key: Record<string, string>): Row | undefined {
    return this.tables.get(table)?.get(rowKeyText(table, key))
  }

  #freshShape(): Shape {
    return { handle: `h-${++this.#handles}`, log: [] }
  }

  #wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }
}

function message(name: ShapeName, { lsn, op, value }: LogEntry): object {
  return { key: keyOf(name, value), value, headers: { operation: op, lsn: String(lsn), op_position: 0, txids: [1] } }
}

function keyOf(name: ShapeName, row: Row): string {
  return `"public"."${SHAPES[name].table}"${keyColumns(SHAPES[name].table)
    .map((column) => `/"${String(row[column])}"`)
    .join('')}`
}

function texts(shape: ShapeDefinition, row: Row): Record<string, string | null> {
  const types = Object.entries(shape.row.properties)
  return Object.fromEntries(
    types.filter(([name]) => name in row).map(([name, schema]) => [name, pgText(row[name], pgTypeOf(schema))]),
  )
}
