import { isVisible } from '../../core/snapshot-visibility.ts'
import type { Commit } from '../replication/transaction.ts'
import type { Place } from '../storage/frame-log.ts'
import { EntryIndex, type IndexedEntry } from '../storage/entry-index.ts'
import type { LoadedShape, TrimmedLog } from '../storage/records.ts'
import type { ShapeSource } from './shape-source.ts'
import { formatOffset, type Offset } from './offset.ts'
import type { RowFormat, ShapeChange } from './row-format.ts'
import type { ShapeFilter } from './filter.ts'
import { formatVisibility, parseVisibility, type Visibility } from './snapshot-visibility.ts'

/** Which rows and columns of which table: two requests with one `id` read one log. */
export interface ShapeDefinition {
  id: string
  source: ShapeSource
  format: RowFormat
  filter: ShapeFilter
}

/** Changes that came while the snapshot was on its way. */
export interface EarlyChanges {
  commit: Commit
  changes: ShapeChange[]
}

export interface Page {
  /** Where the messages are; a chunk of the snapshot is one place with many of them. */
  places: Place[]
  offset: Offset
  /** The page ends where the log ends. */
  atEnd: boolean
  /** The page is a whole chunk, whose content will never change. */
  whole: boolean
}

/**
 * One shape: its snapshot, and what was committed since. Only places are held here; the text is in the log on the disk.
 *
 *   loading ──snapshot──▶ storing ──durable──▶ ready ──truncate, new layout, gap in the stream, eviction──▶ gone
 *      └─────────────────────┴───────────────────────────────────────────────────────────────────────────────▲
 *
 * While it is loading, transactions are kept aside; those that the snapshot already holds are dropped afterwards. Readers
 * see `published` entries: those whose transactions are durable as a whole.
 */
export class ShapeLog {
  readonly number: number
  readonly handle: string
  readonly definition: ShapeDefinition
  /** LSN of the last transaction seen before this shape was registered. */
  readonly registeredAt: bigint
  /** Entries, published and not. */
  readonly index = new EntryIndex()
  state: 'loading' | 'storing' | 'ready' | 'gone' = 'loading'
  lastReadAt = Date.now()
  /** Rows that the shape has now. */
  rows = 0
  chunks: Place[] = []
  failure: unknown
  /** Of a shape that Postgres decides: transactions up to here need no decision. */
  decidedTo: bigint
  /** The segment that holds the records of its making. */
  madeIn = 0
  /** The last entry that is gone from the beginning of the log, with the snapshot. */
  private trimmedTo: { lsn: bigint; position: number } | undefined
  /** Entries that `trim` has removed. */
  private removed = 0
  private published = 0
  /** Indexes behind the last entry of each full chunk of the log. */
  private chunkEnds: number[] = []
  private openChunkSize = 0
  private early: EarlyChanges[] = []
  private visibility: Visibility | undefined
  private snapshotSize = 0
  private entriesSize = 0
  private publishedSize = 0
  private inserted = { rows: 0, size: 0 }
  private readonly waiters = new Set<() => void>()
  private loadWaiters: (() => void)[] = []
  private readonly chunkSize: number

  constructor(number: number, handle: string, definition: ShapeDefinition, registeredAt: bigint, chunkSize: number) {
    this.number = number
    this.handle = handle
    this.definition = definition
    this.registeredAt = registeredAt
    this.decidedTo = registeredAt
    this.chunkSize = chunkSize
  }

  /** Bytes in the log that this shape keeps alive. */
  get size(): number {
    return this.snapshotSize + this.entriesSize
  }

  get waiting(): number {
    return this.waiters.size
  }

  /** Bytes of the rows that it leads to: as many as it has now, each as long as its rows were on the average. */
  get liveSize(): number {
    return this.inserted.rows === 0 ? 0 : (this.rows * this.inserted.size) / this.inserted.rows
  }

  /** Calls back when the snapshot is there, or when the shape is gone. */
  onLoaded(callback: () => void): void {
    if (this.state === 'ready' || this.state === 'gone') callback()
    else this.loadWaiters.push(callback)
  }

  /** Whether a transaction is to be written to this log; while the snapshot is on its way it is kept aside. */
  accepts(commit: Commit, changes: ShapeChange[]): boolean {
    if (this.state === 'gone') return false
    if (this.state === 'loading') {
      this.early.push({ commit, changes })
      return false
    }
    return !this.isInSnapshot(commit)
  }

  /** The snapshot is written; gives the transactions that have to follow it. */
  beginStoring(rows: number, visibility: Visibility): EarlyChanges[] {
    this.state = 'storing'
    this.visibility = visibility
    this.holdSnapshot(this.chunks, rows)
    const early = new Map<bigint, EarlyChanges>()
    for (const { commit, changes } of this.early) {
      if (this.isInSnapshot(commit)) continue
      const before = early.get(commit.lsn)
      // A big transaction comes in parts.
      if (before) before.changes.push(...changes)
      else early.set(commit.lsn, { commit, changes })
    }
    this.early = []
    return [...early.values()]
  }

  /** All that `stage` took before is durable, and so is the snapshot. */
  becomeReady(): void {
    if (this.state !== 'storing') return
    this.state = 'ready'
    this.settle()
  }

  /** What the log on the disk must know about the snapshot. */
  loaded(completeTo: bigint): LoadedShape {
    const visibility = this.visibility ? formatVisibility(this.visibility) : null
    return { rows: this.snapshotRows(), size: this.snapshotSize, completeTo: String(completeTo), visibility }
  }

  /** What the log on the disk must know of entries that are gone. */
  get trimmed(): TrimmedLog | undefined {
    if (!this.trimmedTo) return undefined
    return { lsn: String(this.trimmedTo.lsn), position: this.trimmedTo.position, rows: this.snapshotRows() }
  }

  /**
   * Forgets the beginning of a log that has grown beyond `bytes`, down to half of them; readers who are that far behind
   * fetch anew. Says whether it did.
   */
  trim(bytes: number): boolean {
    if (this.state !== 'ready' || this.publishedSize <= bytes) return false
    let count = 0
    let gone = 0
    while (this.publishedSize - gone > bytes / 2) gone += this.index.lengthAt(count++)
    this.trimmedTo = { lsn: this.index.lsnAt(count - 1), position: this.index.positionAt(count - 1) }
    this.index.removeFirst(count)
    this.removed += count
    this.published -= count
    this.chunkEnds = this.chunkEnds.map((end) => end - count).filter((end) => end > 0)
    this.chunks = []
    this.snapshotSize = 0
    this.entriesSize -= gone
    this.publishedSize -= gone
    return true
  }

  /** Takes up what the disk has after a restart. */
  restore(loaded: LoadedShape, trimmed: TrimmedLog | undefined, chunks: Place[], entries: EntryIndex): void {
    this.holdSnapshot(chunks, trimmed?.rows ?? loaded.rows)
    if (trimmed) this.trimmedTo = { lsn: BigInt(trimmed.lsn), position: trimmed.position }
    if (loaded.visibility) this.visibility = parseVisibility(loaded.visibility.snapshot, loaded.visibility.lsn)
    this.decidedTo = BigInt(loaded.completeTo)
    for (let at = 0; at < entries.length; at += 1) this.stage(entries.at(at))
    if (entries.length > 0 && entries.lsnAt(entries.length - 1) > this.decidedTo)
      this.decidedTo = entries.lsnAt(entries.length - 1)
    this.publish(this.staged)
    this.state = 'ready'
  }

  /** An entry has its place; readers see it when it is published. */
  stage(entry: IndexedEntry): void {
    this.index.push(entry)
    this.entriesSize += entry.place.length
    if (entry.operation === 'insert') {
      this.rows += 1
      this.inserted = { rows: this.inserted.rows + 1, size: this.inserted.size + entry.place.length }
    } else if (entry.operation === 'delete') this.rows -= 1
  }

  /** Takes back the staged part of a transaction that has not come to its end. */
  unstage(lsn: bigint): void {
    this.early = this.early.filter(({ commit }) => commit.lsn !== lsn)
    const from = this.index.firstAfter(lsn - 1n, Number.MAX_SAFE_INTEGER)
    for (let at = from; at < this.index.length; at += 1) {
      const { operation, place } = this.index.at(at)
      this.entriesSize -= place.length
      this.rows += operation === 'insert' ? -1 : operation === 'delete' ? 1 : 0
    }
    this.index.truncate(from)
  }

  /** Entries that were ever staged: what `publish` counts in, and `trim` does not change. */
  get staged(): number {
    return this.removed + this.index.length
  }

  /** The first `staged` entries ever are durable, and the transactions they belong to complete. */
  publish(staged: number): void {
    const count = staged - this.removed
    if (count <= this.published) return
    for (let at = this.published; at < count; at += 1) {
      this.publishedSize += this.index.lengthAt(at)
      this.openChunkSize += this.index.lengthAt(at)
      if (this.openChunkSize < this.chunkSize) continue
      this.chunkEnds.push(at + 1)
      this.openChunkSize = 0
    }
    this.published = count
    this.wake()
  }

  /** Ends the shape: whoever waits or comes later must fetch anew. */
  drop(failure?: unknown): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.failure = failure
    this.early = []
    this.settle()
    this.wake()
  }

  /** The log no longer has what a reader at `from` needs next. */
  lacks(from: Offset): boolean {
    if (this.state === 'gone') return true
    if (!this.trimmedTo || from.at === 'now') return false
    if (from.at !== 'log') return true
    const { lsn, position } = this.trimmedTo
    return from.lsn < lsn || (from.lsn === lsn && from.position < position)
  }

  /** What follows `from`, at most one chunk of it; undefined when `from` is beyond the end. */
  page(from: Offset): Page | undefined {
    this.lastReadAt = Date.now()
    if (from.at === 'now') return { places: [], offset: this.end(), atEnd: true, whole: false }
    if (from.at === 'before') return this.snapshotPage(0)
    if (from.at === 'snapshot' && from.chunk < this.chunks.length - 1) return this.snapshotPage(from.chunk + 1)
    if (from.at === 'snapshot' && from.chunk !== Number.POSITIVE_INFINITY && from.chunk > this.chunks.length - 1)
      return undefined
    if (from.at === 'log' && this.endsBefore(from)) return undefined
    const start = from.at === 'log' ? this.index.firstAfter(from.lsn, from.position) : 0
    const chunkEnd = firstAbove(this.chunkEnds, start)
    const end = chunkEnd ?? this.published
    const places: Place[] = []
    for (let at = start; at < end; at += 1) places.push(this.index.placeAt(at))
    return {
      places,
      offset: end > start ? this.offsetBehind(end) : from.at === 'log' ? from : SNAPSHOT_END,
      atEnd: end >= this.published,
      whole: chunkEnd !== undefined,
    }
  }

  /** Entries that are published. */
  get length(): number {
    return this.published
  }

  /** Settles when the log moves, the shape goes, `signal` fires, or after `ms`. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.state === 'gone' || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.waiters.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.waiters.add(done)
    })
  }

  wake(): void {
    for (const waiter of this.waiters) waiter()
  }

  describe(): string {
    return `${this.handle} ${this.state} ${formatOffset(this.end())}`
  }

  private holdSnapshot(chunks: Place[], rows: number): void {
    this.chunks = chunks
    this.rows = rows
    this.snapshotSize = chunks.reduce((sum, { length }) => sum + length, 0)
    this.inserted = { rows, size: this.snapshotSize }
  }

  /** Rows of the snapshot, from those that it has now. */
  private snapshotRows(): number {
    let rows = this.rows
    for (let at = 0; at < this.index.length; at += 1) {
      const { operation } = this.index.at(at)
      rows += operation === 'insert' ? -1 : operation === 'delete' ? 1 : 0
    }
    return rows
  }

  private isInSnapshot(commit: Commit): boolean {
    if (!this.visibility) return false
    if (commit.lsn <= this.visibility.lsn) return isVisible(this.visibility, commit.xid)
    this.visibility = undefined
    return false
  }

  private settle(): void {
    const waiters = this.loadWaiters
    this.loadWaiters = []
    for (const waiter of waiters) waiter()
  }

  /** Where the log ends now, for readers. */
  end(): Offset {
    if (this.published > 0) return this.offsetBehind(this.published)
    return this.trimmedTo ? { at: 'log', ...this.trimmedTo } : SNAPSHOT_END
  }

  private offsetBehind(count: number): Offset {
    return { at: 'log', lsn: this.index.lsnAt(count - 1), position: this.index.positionAt(count - 1) }
  }

  private endsBefore(offset: { lsn: bigint; position: number }): boolean {
    const lsn = this.published === 0 ? this.trimmedTo?.lsn : this.index.lsnAt(this.published - 1)
    if (lsn === undefined) return true
    // Where readers of event streams go on; see `ownEnd`.
    if (offset.lsn === lsn + 1n && offset.position === 0) return false
    if (lsn !== offset.lsn || this.published === 0) return lsn < offset.lsn
    return this.index.positionAt(this.published - 1) < offset.position && offset.position !== Number.POSITIVE_INFINITY
  }

  private snapshotPage(chunk: number): Page {
    const place = this.chunks[chunk]
    return { places: place ? [place] : [], offset: { at: 'snapshot', chunk }, atEnd: false, whole: true }
  }
}

const SNAPSHOT_END: Offset = { at: 'snapshot', chunk: Number.POSITIVE_INFINITY }

/** The first of rising numbers that is greater than `than`. */
function firstAbove(numbers: readonly number[], than: number): number | undefined {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) > than) high = middle
    else low = middle + 1
  }
  return numbers[low]
}
