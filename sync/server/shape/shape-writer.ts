import type { Commit, RowChange, TransactionPart } from '../replication/transaction.ts'
import type { FrameLog } from '../storage/frame-log.ts'
import { FrameBuilder, type CreatedShape, type NewEntry } from '../storage/records.ts'
import type { FilterInPostgres } from './filter-in-postgres.ts'
import type { RecentTransactions } from './recent-transactions.ts'
import type { Draft, ShapeChange } from './row-format.ts'
import type { ShapeLog } from './shape-log.ts'
import type { ShapeRegistry } from './shape-registry.ts'

export interface WriterDeps {
  log: FrameLog
  shapes: ShapeRegistry
  filters: FilterInPostgres
  recent: RecentTransactions
  drop: (shape: ShapeLog, reason: string) => void
  dropTable: (oid: number, reason: string) => void
}

/** A transaction of which parts have come, and others not. */
interface OpenTransaction {
  commit: Commit
  touched: Set<ShapeLog>
  /** The last message of each shape waits: it may be the transaction's last. */
  held: Map<ShapeLog, Draft>
  closed: PromiseWithResolvers<void>
}

interface Staged {
  shape: ShapeLog
  lsn: bigint
  entries: NewEntry[]
  /** Where they are in the frame. */
  at: number[]
}

/** Turns the stream of transactions into frames of the log; readers get to see a transaction when it is durable. */
export class ShapeWriter {
  /** LSN of the last transaction that is durable in every hash-routed shape; rises only. */
  lsn: bigint
  private readonly deps: WriterDeps
  /** Last transaction that was handed to the shapes. */
  private routed: bigint
  private end: bigint
  private open: OpenTransaction | undefined
  /** The stream has not yet come to where it was before. */
  private repeating = true

  constructor(deps: WriterDeps, lsn: bigint, end: bigint) {
    this.deps = deps
    this.lsn = lsn
    this.routed = lsn
    this.end = end
  }

  /** LSN of the last transaction that shapes registered from now on will not be handed, or not as a whole. */
  get registerAt(): bigint {
    return this.open?.commit.lsn ?? this.routed
  }

  /** Where the stream goes on behind what is durable. */
  get position(): bigint {
    return this.end
  }

  /**
   * Up to here the database may forget: all is durable and decided. Nothing, as long as the stream repeats what was
   * routed before a restart: it may not have been decided then.
   */
  get acknowledged(): bigint {
    if (this.repeating) return 0n
    const undecided = this.deps.filters.undecidedFrom
    return undecided !== undefined && undecided < this.end ? undecided : this.end
  }

  /** Settles when no transaction is halfway through. */
  async untilClosed(): Promise<void> {
    while (this.open) await this.open.closed.promise
  }

  /** Takes a transaction, or the next part of one. The stream repeats what it has not seen acknowledged. */
  apply(part: TransactionPart): void {
    const before = this.routed
    const again = part.lsn <= before
    if (!again) this.notice(part)
    const { affected, undecided } = this.route(part.changes, part.lsn, again)
    const whole = !this.open && part.end !== undefined
    const open = this.open ?? newTransaction(part)
    const frame = new FrameBuilder()
    const staged = this.stage(frame, part, affected, open, whole)
    if (part.end === undefined) {
      if (!again) this.open = open
      for (const shape of undecided.keys()) this.deps.drop(shape, 'too big a transaction for its filter')
      this.append(frame, staged)
      return
    }
    for (const [shape, draft] of open.held)
      if (shape.state !== 'gone') staged.push(write(frame, shape, part, [draft], true))
    if (!again) this.commit(frame, staged, part, part.end)
    this.close(open)
    for (const [shape, changes] of undecided) {
      this.deps.filters.enqueue(shape, part, changes, again ? shape.decidedTo : before)
      shape.decidedTo = part.lsn
    }
  }

  /** The stream has come this far without a transaction for us. */
  advance(end: bigint): void {
    // A commit record may begin exactly at `end`.
    const lsn = end - 1n
    if (this.open || lsn < this.routed) return
    this.repeating = false
    if (lsn === this.routed) return
    this.routed = lsn
    const frame = new FrameBuilder()
    frame.committed(lsn, end)
    this.append(frame, [], () => this.reach(lsn, end))
  }

  /** The stream broke in the middle of a transaction, which will come again from its beginning. */
  breakOff(): void {
    const { open } = this
    if (!open) return
    for (const shape of open.touched) shape.unstage(open.commit.lsn)
    const frame = new FrameBuilder()
    frame.brokenOff(open.commit.lsn)
    this.append(frame, [])
    this.close(open)
  }

  /** Writes a decided transaction into a shape that Postgres decides. */
  decided(shape: ShapeLog, commit: Commit, changes: ShapeChange[]): Promise<void> {
    if (!shape.accepts(commit)) return Promise.resolve()
    const drafts = shape.definition.format.drafts(changes)
    if (drafts.length === 0) return Promise.resolve()
    const frame = new FrameBuilder()
    const staged = [write(frame, shape, commit, drafts, true)]
    return new Promise((resolve) => {
      this.append(frame, staged, (counts) => {
        publish(counts)
        resolve()
      })
    })
  }

  /** Writes the next chunk of a shape's snapshot. */
  storeChunk(shape: ShapeLog, body: Buffer, created: CreatedShape): void {
    const { log } = this.deps
    const frame = new FrameBuilder()
    const chunk = shape.chunks.length
    if (chunk === 0) frame.created(shape.number, created)
    const at = frame.chunk(shape.number, chunk, body)
    const base = log.append(frame.parts)
    if (chunk === 0) shape.madeIn = base.segment
    shape.chunks.push({ segment: base.segment, at: base.at + at, length: body.length })
  }

  /** All chunks are written, and no transaction is halfway through: when that is durable the shape is ready. */
  finish(shape: ShapeLog, rows: number, completeTo: bigint): void {
    const repeated = shape.endSnapshot(rows)
    const staged = shape.entries.staged
    const frame = new FrameBuilder()
    if (repeated.length > 0) frame.struck(shape.number, repeated)
    frame.loaded(shape.number, shape.loaded(completeTo))
    this.append(frame, [], () => {
      shape.publish(staged)
      shape.becomeReady()
    })
  }

  /** Everything up to here is certainly in this shape. */
  completeTo(shape: ShapeLog): bigint {
    const queued = this.deps.filters.lsnOf(shape)
    if (queued !== undefined) return queued
    // After a restart the stream repeats what Postgres had not decided yet.
    return this.repeating && shape.definition.filter.kind === 'sql' ? shape.decidedTo : this.lsn
  }

  private route(changes: readonly RowChange[], lsn: bigint, again: boolean) {
    const affected = new Map<ShapeLog, ShapeChange[]>()
    const undecided = new Map<ShapeLog, ShapeChange[]>()
    for (const change of changes) {
      this.deps.shapes.route(change, (shape, before, after) => {
        const decided = before !== undefined && after !== undefined
        if (decided ? again : lsn <= shape.decidedTo) return
        const map = decided ? affected : undecided
        const list = map.get(shape) ?? []
        map.set(shape, list)
        list.push({ change, before: before ?? false, after: after ?? false })
      })
    }
    return { affected, undecided }
  }

  /** A transaction that is not a repetition. */
  private notice(part: TransactionPart): void {
    this.repeating = false
    for (const table of part.broken) this.deps.dropTable(table, 'its log cannot be continued')
  }

  private stage(
    frame: FrameBuilder,
    part: TransactionPart,
    affected: ReadonlyMap<ShapeLog, ShapeChange[]>,
    open: OpenTransaction,
    whole: boolean,
  ): Staged[] {
    const staged: Staged[] = []
    for (const [shape, changes] of affected) {
      open.touched.add(shape)
      if (!shape.accepts(part)) continue
      const drafts = shape.definition.format.drafts(changes)
      if (!whole) holdLast(open, shape, drafts)
      if (drafts.length > 0) staged.push(write(frame, shape, part, drafts, whole))
    }
    return staged
  }

  private commit(frame: FrameBuilder, staged: readonly Staged[], { lsn, xid }: Commit, end: bigint): void {
    frame.committed(lsn, end)
    this.routed = lsn
    this.deps.recent.add({ lsn, xid })
    this.append(frame, staged, (counts) => {
      this.reach(lsn, end)
      publish(counts)
    })
  }

  private reach(lsn: bigint, end: bigint): void {
    this.lsn = lsn
    this.end = end
  }

  private close(open: OpenTransaction): void {
    this.open = undefined
    open.closed.resolve()
  }

  private append(frame: FrameBuilder, staged: readonly Staged[], onDurable?: (counts: Counts) => void): void {
    if (frame.empty) return
    const counts: Counts = new Map()
    const base = this.deps.log.append(frame.parts, onDurable && (() => onDurable(counts)))
    for (const { shape, lsn, entries, at } of staged) {
      for (const [index, { position, operation, json }] of entries.entries()) {
        const place = { segment: base.segment, at: base.at + (at[index] ?? 0), length: json.length }
        shape.stage({ lsn, position, operation, place })
      }
      counts.set(shape, shape.entries.staged)
    }
  }
}

/** How many entries of each shape a frame makes complete. */
type Counts = Map<ShapeLog, number>

function publish(counts: Counts): void {
  for (const [shape, count] of counts) shape.publish(count)
}

function newTransaction({ lsn, xid }: Commit): OpenTransaction {
  return { commit: { lsn, xid }, touched: new Set(), held: new Map(), closed: Promise.withResolvers() }
}

/** Takes the last draft out, and puts the one that was held before in front. */
function holdLast({ held }: OpenTransaction, shape: ShapeLog, drafts: Draft[]): void {
  const last = drafts.pop()
  if (!last) return
  const before = held.get(shape)
  if (before) drafts.unshift(before)
  held.set(shape, last)
}

function write(frame: FrameBuilder, shape: ShapeLog, commit: Commit, drafts: readonly Draft[], final: boolean): Staged {
  const { format } = shape.definition
  const entries = drafts.map((draft, at) => {
    const last = final && at === drafts.length - 1
    const { position, operation } = draft
    return { position, operation, json: Buffer.from(format.message(draft, commit, last)) }
  })
  return { shape, lsn: commit.lsn, entries, at: frame.entries(shape.number, commit.lsn, entries) }
}
