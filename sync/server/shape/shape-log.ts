import type { Transaction } from '../replication/transaction.ts'
import type { LogEntry, RowFormat, ShapeChange } from './row-format.ts'
import { formatOffset, type Offset } from './offset.ts'
import type { ShapeFilter } from './filter.ts'
import { isVisible, type Visibility } from './snapshot-visibility.ts'

/** Which rows and columns of which table: two requests with one `id` read one log. */
export interface ShapeDefinition {
  id: string
  format: RowFormat
  filter: ShapeFilter
}

/** A finished snapshot: the bodies of its chunks, without the brackets. */
export interface Snapshot {
  chunks: string[]
  rows: number
  size: number
  visibility: Visibility
}

export interface Page {
  messages: string[]
  offset: Offset
  /** The page ends where the log ends. */
  atEnd: boolean
  /** The page is a whole chunk, whose content will never change. */
  whole: boolean
}

/**
 * One shape: its snapshot, and what was committed since.
 *
 *   loading ──snapshot──▶ ready ──truncate, new layout, slot lost, eviction──▶ gone
 *      └───────────────────────────────────────────────────────────────────────▲
 *
 * While it is loading, transactions are kept aside; those that the snapshot already holds are dropped afterwards.
 */
export class ShapeLog {
  readonly handle: string
  readonly definition: ShapeDefinition
  /** LSN of the last transaction seen before this shape was registered. */
  readonly registeredAt: bigint
  state: 'loading' | 'ready' | 'gone' = 'loading'
  lastReadAt = Date.now()
  size = 0
  rows = 0
  failure: unknown
  private chunks: string[] = []
  private entries: LogEntry[] = []
  /** Indexes in `entries` behind the last entry of each full chunk. */
  private chunkEnds: number[] = []
  private openChunkSize = 0
  private early: { transaction: Transaction; changes: ShapeChange[] }[] = []
  private visibility: Visibility | undefined
  private waiters = new Set<() => void>()
  private loadWaiters: (() => void)[] = []
  private readonly chunkSize: number

  constructor(handle: string, definition: ShapeDefinition, registeredAt: bigint, chunkSize: number) {
    this.handle = handle
    this.definition = definition
    this.registeredAt = registeredAt
    this.chunkSize = chunkSize
  }

  get length(): number {
    return this.entries.length
  }

  get waiting(): number {
    return this.waiters.size
  }

  /** Calls back when the snapshot is there, or when the shape is gone. */
  onLoaded(callback: () => void): void {
    if (this.state === 'loading') this.loadWaiters.push(callback)
    else callback()
  }

  load(snapshot: Snapshot): void {
    if (this.state !== 'loading') return
    this.state = 'ready'
    this.chunks = snapshot.chunks
    this.rows = snapshot.rows
    this.size = snapshot.size
    this.visibility = snapshot.visibility
    for (const { transaction, changes } of this.early) this.append(transaction, changes)
    this.early = []
    this.settle()
  }

  /** Takes a transaction's changes that concern this shape, in commit order. */
  append(transaction: Transaction, changes: ShapeChange[]): void {
    if (this.state === 'gone') return
    if (this.state === 'loading') {
      this.early.push({ transaction, changes })
      return
    }
    if (this.visibility) {
      if (transaction.lsn > this.visibility.lsn) this.visibility = undefined
      else if (isVisible(this.visibility, transaction.xid)) return
    }
    for (const change of changes) this.rows += Number(change.after) - Number(change.before)
    const entries = this.definition.format.entries(transaction, changes)
    if (entries.length === 0) return
    for (const entry of entries) this.push(entry)
    this.wake()
  }

  /** Ends the shape: whoever waits or comes later must fetch anew. */
  drop(failure?: unknown): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.failure = failure
    this.chunks = []
    this.entries = []
    this.early = []
    this.size = 0
    this.settle()
    this.wake()
  }

  /** What follows `from`, at most one chunk of it; undefined when `from` is beyond the end. */
  read(from: Offset): Page | undefined {
    this.lastReadAt = Date.now()
    if (from.at === 'now') return { messages: [], offset: this.end(), atEnd: true, whole: false }
    if (from.at === 'before') return this.snapshotPage(0)
    if (from.at === 'snapshot' && from.chunk < this.chunks.length - 1) return this.snapshotPage(from.chunk + 1)
    if (from.at === 'snapshot' && from.chunk !== Number.POSITIVE_INFINITY && from.chunk > this.chunks.length - 1)
      return undefined
    const last = this.entries.at(-1)
    const start = from.at === 'log' ? this.indexAfter(from.lsn, from.position) : 0
    if (from.at === 'log' && isBefore(last, from)) return undefined
    const chunkEnd = this.chunkEnds.find((end) => end > start)
    const end = chunkEnd ?? this.entries.length
    const page = this.entries.slice(start, end)
    const tail = page.at(-1)
    return {
      messages: page.map((entry) => entry.json),
      offset: tail ? { at: 'log', lsn: tail.lsn, position: tail.position } : from.at === 'log' ? from : SNAPSHOT_END,
      atEnd: end === this.entries.length,
      whole: chunkEnd !== undefined,
    }
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

  private settle(): void {
    const waiters = this.loadWaiters
    this.loadWaiters = []
    for (const waiter of waiters) waiter()
  }

  private end(): Offset {
    const last = this.entries.at(-1)
    return last ? { at: 'log', lsn: last.lsn, position: last.position } : SNAPSHOT_END
  }

  private push(entry: LogEntry): void {
    this.entries.push(entry)
    this.size += entry.json.length + ENTRY_OVERHEAD
    this.openChunkSize += entry.json.length
    if (this.openChunkSize < this.chunkSize) return
    this.chunkEnds.push(this.entries.length)
    this.openChunkSize = 0
  }

  private snapshotPage(chunk: number): Page {
    const body = this.chunks[chunk]
    return { messages: body === undefined ? [] : [body], offset: { at: 'snapshot', chunk }, atEnd: false, whole: true }
  }

  /** Index of the first entry behind the offset. */
  private indexAfter(lsn: bigint, position: number): number {
    let low = 0
    let high = this.entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      const entry = this.entries[middle]
      if (entry && (entry.lsn < lsn || (entry.lsn === lsn && entry.position <= position))) low = middle + 1
      else high = middle
    }
    return low
  }
}

const SNAPSHOT_END: Offset = { at: 'snapshot', chunk: Number.POSITIVE_INFINITY }
/** Rough bytes of an entry besides its text. */
const ENTRY_OVERHEAD = 80

function isBefore(last: LogEntry | undefined, offset: { lsn: bigint; position: number }): boolean {
  if (!last) return true
  if (last.lsn !== offset.lsn) return last.lsn < offset.lsn
  return last.position < offset.position && offset.position !== Number.POSITIVE_INFINITY
}
