import type { Commit } from '../replication/transaction.ts'
import type { EntryIndex, IndexedEntry } from '../storage/entry-index.ts'
import type { Place } from '../storage/frame-log.ts'
import type { LoadedShape, TrimmedLog } from '../storage/records.ts'
import { EarlyTransactions } from './early-transactions.ts'
import { EntryLog, SNAPSHOT_END, type Page } from './entry-log.ts'
import type { Offset } from './offset.ts'
import { RowCount } from './row-count.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { formatVisibility, holds, parseVisibility, type Visibility } from './snapshot-visibility.ts'
import { WaitingReaders } from './waiting-readers.ts'

/** What readers of a log name with it. */
export type { Page, ShapeDefinition }

/**
 * One shape: its snapshot, and what was committed since.
 *
 *   loading ──snapshot──▶ storing ──durable──▶ ready ──truncate, new layout, gap in the stream, eviction──▶ gone
 *      └─────────────────────┴───────────────────────────────────────────────────────────────────────────────▲
 *
 * While it is loading, transactions are written as ever; those that the snapshot holds too are struck out before the
 * first reader comes.
 */
export class ShapeLog {
  readonly number: number
  readonly handle: string
  readonly definition: ShapeDefinition
  /** LSN of the last transaction seen before this shape was registered. */
  readonly registeredAt: bigint
  readonly entries: EntryLog
  state: 'loading' | 'storing' | 'ready' | 'gone' = 'loading'
  lastReadAt = Date.now()
  /** Of the snapshot; none when the beginning of the log is gone. */
  chunks: Place[] = []
  failure: unknown
  /** Of a shape that Postgres decides: transactions up to here need no decision. */
  decidedTo: bigint
  /** The segment that holds the records of its making. */
  madeIn = 0
  private readonly rows = new RowCount()
  /** Until it is known what the snapshot sees. */
  private early: EarlyTransactions | undefined = new EarlyTransactions()
  /** LSNs of transactions that are in the entries and in the snapshot. */
  private repeated: readonly bigint[] = []
  private readonly readers = new WaitingReaders()
  private loadWaiters: (() => void)[] = []
  /** What the snapshot sees, while transactions may still come that it holds. */
  private visibility: Visibility | undefined
  private snapshotSize = 0

  constructor(number: number, handle: string, definition: ShapeDefinition, registeredAt: bigint, chunkSize: number) {
    this.number = number
    this.handle = handle
    this.definition = definition
    this.registeredAt = registeredAt
    this.decidedTo = registeredAt
    this.entries = new EntryLog(chunkSize)
  }

  /** Bytes in the log that this shape keeps alive. */
  get size(): number {
    return this.snapshotSize + this.entries.size
  }

  /** Bytes of the rows that it leads to. */
  get liveSize(): number {
    return this.rows.size
  }

  get waiting(): number {
    return this.readers.size
  }

  /** Calls back when the snapshot is there, or when the shape is gone. */
  onLoaded(callback: () => void): void {
    if (this.state === 'ready' || this.state === 'gone') callback()
    else this.loadWaiters.push(callback)
  }

  /** Whether a transaction is to be written to this log. */
  accepts(commit: Commit): boolean {
    if (this.state === 'gone') return false
    this.early?.add(commit)
    return !this.isInSnapshot(commit)
  }

  /** From here on it is known which transactions the snapshot holds. */
  beginSnapshot(visibility: Visibility): void {
    this.visibility = visibility
    this.repeated = this.early?.heldBy(visibility) ?? []
    this.early = undefined
  }

  /** The snapshot is written. Gives the LSNs of transactions that were written before it, and are in it. */
  endSnapshot(rows: number): readonly bigint[] {
    const { repeated } = this
    this.state = 'storing'
    this.repeated = []
    this.entries.strike(new Set(repeated))
    this.holdSnapshot(this.chunks, rows)
    for (let at = 0; at < this.entries.index.length; at += 1) this.count(this.entries.index.at(at))
    return repeated
  }

  /** The snapshot is durable, and so is what followed it so far. */
  becomeReady(): void {
    if (this.state !== 'storing') return
    this.state = 'ready'
    this.settle()
  }

  /** What the log on the disk must know about the snapshot. */
  loaded(completeTo: bigint): LoadedShape {
    const visibility = this.visibility ? formatVisibility(this.visibility) : null
    return { rows: this.rowsAtBeginning(), size: this.snapshotSize, completeTo: String(completeTo), visibility }
  }

  /** What the log on the disk must know of entries that are gone. */
  get trimmed(): TrimmedLog | undefined {
    const last = this.entries.trimmedTo
    return last && { lsn: String(last.lsn), position: last.position, rows: this.rowsAtBeginning() }
  }

  /**
   * Forgets the beginning of a log that has grown beyond `bytes`, down to half of them; readers who are that far behind
   * fetch anew. Says whether it did.
   */
  trim(bytes: number): boolean {
    if (this.state !== 'ready' || !this.entries.trim(bytes)) return false
    this.chunks = []
    this.snapshotSize = 0
    return true
  }

  /** Takes up what the disk has after a restart. */
  restore(loaded: LoadedShape, trimmed: TrimmedLog | undefined, chunks: Place[], entries: EntryIndex): void {
    this.early = undefined
    this.holdSnapshot(chunks, trimmed?.rows ?? loaded.rows)
    if (trimmed) this.entries.beginBehind({ lsn: BigInt(trimmed.lsn), position: trimmed.position })
    if (loaded.visibility) this.visibility = parseVisibility(loaded.visibility.snapshot, loaded.visibility.lsn)
    this.decidedTo = BigInt(loaded.completeTo)
    for (let at = 0; at < entries.length; at += 1) this.stage(entries.at(at))
    if (entries.length > 0 && entries.lsnAt(entries.length - 1) > this.decidedTo)
      this.decidedTo = entries.lsnAt(entries.length - 1)
    this.state = 'ready'
    this.publish(this.entries.staged)
  }

  /** An entry has its place; readers see it when it is published. */
  stage(entry: IndexedEntry): void {
    this.entries.stage(entry)
    this.count(entry)
  }

  /** Takes back the staged part of a transaction that has not come to its end. */
  unstage(lsn: bigint): void {
    this.early?.takeBack(lsn)
    for (const { operation } of this.entries.unstage(lsn)) this.rows.takeBack(operation)
  }

  /** The first `staged` entries ever are durable, and the transactions they belong to complete. */
  publish(staged: number): void {
    // What the snapshot holds must be struck out first.
    if (this.state === 'loading') return
    if (this.entries.publish(staged)) this.readers.wake()
  }

  /** Ends the shape: whoever waits or comes later must fetch anew. */
  drop(failure?: unknown): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.failure = failure
    this.settle()
    this.readers.wake()
  }

  /** The log no longer has what a reader at `from` needs next. */
  lacks(from: Offset): boolean {
    if (this.state === 'gone') return true
    if (from.at === 'now') return false
    return from.at === 'log' ? this.entries.lacks(from) : this.entries.trimmedTo !== undefined
  }

  /** What follows `from`, at most one chunk of it; undefined when `from` is beyond the end. */
  page(from: Offset): Page | undefined {
    this.lastReadAt = Date.now()
    if (from.at === 'now') return { places: [], offset: this.end(), atEnd: true, whole: false }
    if (from.at === 'log') return this.entries.page({ lsn: from.lsn, position: from.position })
    if (from.at === 'before') return this.snapshotPage(0)
    const last = this.chunks.length - 1
    if (from.chunk < last) return this.snapshotPage(from.chunk + 1)
    return from.chunk === last || from.chunk === SNAPSHOT_END.chunk ? this.entries.page(undefined) : undefined
  }

  /** Where the log ends now, for readers. */
  end(): Offset {
    return this.entries.end()
  }

  /** Settles when the log moves, the shape goes, `signal` fires, or after `ms`. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return this.state === 'gone' ? Promise.resolve() : this.readers.wait(ms, signal)
  }

  private holdSnapshot(chunks: Place[], rows: number): void {
    this.chunks = chunks
    this.snapshotSize = chunks.reduce((sum, { length }) => sum + length, 0)
    this.rows.begin(rows, this.snapshotSize)
  }

  private count({ operation, place }: IndexedEntry): void {
    this.rows.add(operation, place.length)
  }

  /** Rows of the snapshot, or where the log begins now. */
  private rowsAtBeginning(): number {
    return this.rows.rows - this.entries.rowsAdded
  }

  private isInSnapshot(commit: Commit): boolean {
    if (!this.visibility) return false
    // Commits come in order: from the first one behind the snapshot on, none is in it.
    if (commit.lsn > this.visibility.lsn) this.visibility = undefined
    return this.visibility !== undefined && holds(this.visibility, commit)
  }

  private settle(): void {
    const waiters = this.loadWaiters
    this.loadWaiters = []
    for (const waiter of waiters) waiter()
  }

  private snapshotPage(chunk: number): Page {
    const place = this.chunks[chunk]
    return { places: place ? [place] : [], offset: { at: 'snapshot', chunk }, atEnd: false, whole: true }
  }
}
