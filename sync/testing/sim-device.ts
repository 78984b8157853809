import { formatHlc, tick, type Hlc } from '../../shared/kernel/hlc.ts'
import { rowKeyText, type Mutator, type Row } from '../../shared/kernel/mutator.ts'
import { dependants, effectOf, keyColumns } from '../core/effect.ts'
import { foldChanges, type Change, type Folded } from '../core/fold-changes.ts'
import { contextOf, replay, type Replay } from '../core/overlay.ts'
import type { Pending, Refusal } from '../core/pending.ts'
import { nextBatch, outcomeOf } from '../core/push-batch.ts'
import { coveredBy, settled, type ShapeCursor } from '../core/settlement.ts'
import type { MutationResult } from '../protocol/push.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import type { ModelServer, ShapeReply } from './model-server.ts'

interface SimShape {
  handle: string
  offset: string
  lsn: string | null
  refetching: boolean
  rows: Map<string, Record<string, string | null>>
}

/** How a device decides what may leave the overlay; tests swap in wrong ones. */
export type Settle = (outbox: readonly Pending[], cursors: readonly ShapeCursor[]) => Pending[]

export const rightly: Settle = (outbox, cursors) => settled(outbox, cursors, 'acks')
/** Known to be wrong: what the shapes show is not asked. */
export const atTheAnswer: Settle = (outbox) => outbox.filter((item) => item.outcome)
/** Known to be wrong: one shape of several is enough. */
export const atTheFirstShape: Settle = (outbox, cursors) =>
  outbox.filter(
    ({ outcome, lsn, effect }) =>
      outcome &&
      lsn &&
      (effect?.tables.length === 0 ||
        cursors.some(
          (cursor) => effect?.tables.includes(cursor.table) && cursor.lsn && BigInt(cursor.lsn) >= BigInt(lsn),
        )),
  )

/** One device in the simulator: the pure core, wired as the engine wires it, over maps instead of databases. */
export class SimDevice {
  readonly id: string
  outbox: Pending[] = []
  readonly dead: { item: Pending; error: Refusal }[] = []
  readonly #server: ModelServer
  readonly #mutators: Readonly<Record<string, Mutator>>
  readonly #settle: Settle
  readonly #shapes = new Map<ShapeName, SimShape>()
  readonly #skew: number
  #seq = 0
  #clock: Hlc = { ms: 0, counter: 0 }
  /** What the screen shows; made anew from outbox and rows after each step. */
  #view: Replay

  constructor(
    id: string,
    server: ModelServer,
    mutators: Readonly<Record<string, Mutator>>,
    skew: number,
    settle: Settle = rightly,
  ) {
    this.id = id
    this.#server = server
    this.#mutators = mutators
    this.#skew = skew
    this.#settle = settle
    this.#view = this.#rebase()
  }

  /** As `DbHost.mutate`: refused mutations are not queued. Answers whether it was. */
  mutate(id: string, name: string, args: Record<string, unknown>, now: number): boolean {
    const mutator = this.#mutators[name]
    if (!mutator) return false
    const clock = tick(this.#clock, now + this.#skew)
    const seq = this.#seq + 1
    const created_at = new Date(now + this.#skew).toISOString()
    const item: Pending = { id, seq, name, version: 1, args, hlc: formatHlc(clock, this.id.slice(-12)), created_at }
    const ctx = contextOf(item, this.#server.user_id)
    const reads = mutator.reads(args, ctx)
    try {
      item.effect = effectOf(reads, mutator.run(args, this.#rebase(reads).reader, ctx))
    } catch {
      return false
    }
    this.#clock = clock
    this.#seq = seq
    this.outbox.push(item)
    this.#view = this.#rebase()
    return true
  }

  /** Sends a batch; the request, the answer or neither is lost. */
  push(loss: 'none' | 'request' | 'answer', now: number): void {
    const batch = nextBatch(this.outbox, { narrow: false })
    if (batch.length === 0 || loss === 'request') return
    const results = this.#server.push(this.id, batch, new Date(now).toISOString())
    if (loss === 'none') this.#answered(results)
  }

  /** One round of one shape: nothing, or everything that is new. */
  poll(name: ShapeName, live: boolean): void {
    const shape = this.#shapes.get(name)
    const followed = shape && !shape.refetching ? shape : undefined
    const place = followed && { handle: followed.handle, offset: followed.offset, ...(live ? { live: 'true' } : {}) }
    const reply = this.#server.shape(name, place ?? {})
    if (reply?.status === 409 && shape) shape.refetching = true
    if (reply?.status !== 200) return
    this.#applied(name, reply, followed?.rows ?? new Map())
  }

  #applied(name: ShapeName, reply: ShapeReply, rows: SimShape['rows']): void {
    const { changes, lsn } = parse(reply.body)
    for (const [key, change] of foldChanges(changes, keyColumns(SHAPES[name].table))) fold(rows, key, change)
    const { 'electric-handle': handle = '', 'electric-offset': offset = '' } = reply.headers
    this.#shapes.set(name, { handle, offset, lsn, refetching: false, rows })
    if (name === 'acks') for (const { item, lsn: at } of coveredBy(this.outbox, changes, this.id, lsn)) item.lsn = at
    this.#afterwards()
  }

  /** The tab and its worker die and come back: outbox and replica stay, the overlay is made anew. */
  restart(): void {
    this.outbox = structuredClone(this.outbox)
    this.#view = this.#rebase()
  }

  /** The replica is thrown away: everything is fetched again. */
  loseReplica(): void {
    for (const shape of this.#shapes.values()) shape.refetching = true
  }

  /** A row as this device shows it. */
  row(table: string, key: Record<string, string>): Row | undefined {
    return this.#view.reader.get(table, key)
  }

  /** Rows of the overlay. */
  get overlaid(): number {
    return this.#view.rows.size
  }

  /** Synced rows of a table, as text cells. */
  synced(name: ShapeName): Change['row'][] {
    return [...(this.#shapes.get(name)?.rows.values() ?? [])]
  }

  #answered(results: readonly MutationResult[]): void {
    for (const result of results) {
      const item = this.outbox.find((one) => one.id === result.id)
      if (item) item.outcome = outcomeOf(result)
    }
    this.#afterwards()
  }

  #afterwards(): void {
    const cursors = SHAPE_NAMES.map((name) => {
      const shape = this.#shapes.get(name)
      return { table: SHAPES[name].table, lsn: shape?.lsn ?? null, refetching: shape?.refetching ?? false }
    })
    for (const item of this.#settle(this.outbox, cursors)) {
      const lost = item.outcome?.status === 'rejected' ? [item, ...dependants(item, this.outbox)] : []
      if (item.outcome?.status === 'rejected')
        for (const one of lost) this.dead.push({ item: one, error: item.outcome.error })
      this.outbox = this.outbox.filter((one) => one !== item && !lost.includes(one))
    }
    this.#view = this.#rebase()
  }

  #rebase(also: { table: string; key: Record<string, string> }[] = []): Replay {
    const base = new Map<string, Row | null>()
    const deps = { mutators: this.#mutators, user_id: this.#server.user_id }
    for (const name of SHAPE_NAMES) {
      for (const row of this.synced(name)) base.set(keyText(name, row), typed(row))
    }
    for (;;) {
      const result = replay(this.outbox, base, deps, also)
      if (result.missing.length === 0) return result
      for (const { table, key } of result.missing) base.set(rowKeyText(table, key), null)
    }
  }
}

interface WireMessage {
  value?: Change['row']
  headers: { operation?: Change['op']; lsn?: string; global_last_seen_lsn?: string }
}

function parse(body: string): { changes: Change[]; lsn: string | null } {
  const messages: WireMessage[] = JSON.parse(body)
  const changes = messages.flatMap(({ value, headers: { operation, lsn } }) =>
    value && operation ? [{ op: operation, row: value, ...(lsn ? { lsn } : {}) }] : [],
  )
  return { changes, lsn: messages.at(-1)?.headers.global_last_seen_lsn ?? null }
}

function fold(rows: Map<string, Change['row']>, key: string, { kind, row }: Folded): void {
  if (kind === 'drop') rows.delete(key)
  else if (kind === 'put') rows.set(key, row)
  else if (rows.has(key)) rows.set(key, { ...rows.get(key), ...row })
}

function keyText(name: ShapeName, row: Change['row']): string {
  const { table } = SHAPES[name]
  return rowKeyText(table, Object.fromEntries(keyColumns(table).map((column) => [column, row[column] ?? ''])))
}

/** Text cells as the types that mutators compare: enough for the tables the simulator writes. */
function typed(row: Change['row']): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => [name, cell !== null && /^[[{]/.test(cell) ? JSON.parse(cell) : cell]),
  )
}
