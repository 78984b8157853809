import { EntryIndex, type IndexedEntry } from '../storage/entry-index.ts'
import type { Place } from '../storage/frame-log.ts'
import type { Offset } from './offset.ts'
import { ROWS_BY } from './row-count.ts'

export interface Page {
  /** Where the messages are; a chunk of the snapshot is one place with many of them. */
  places: Place[]
  offset: Offset
  /** The page ends where the log ends. */
  atEnd: boolean
  /** The page is a whole chunk, whose content will never change. */
  whole: boolean
}

/** An entry's place in the order of commits. */
export interface EntryPosition {
  lsn: bigint
  position: number
}

export const SNAPSHOT_END = { at: 'snapshot', chunk: Number.POSITIVE_INFINITY } as const satisfies Offset

/**
 * What was committed since a shape's snapshot, in the order of commits. Only places are held here; the text is in the
 * log on the disk.
 *
 *   gone (`trim`) │ published: durable as whole transactions, for readers │ staged: on its way to the disk
 */
export class EntryLog {
  /** Entries, published and not. */
  readonly index = new EntryIndex()
  private readonly chunkSize: number
  /** The last entry that is gone from the beginning. */
  private goneTo: EntryPosition | undefined
  /** Entries that were taken out, by `trim` or `strike`. */
  private gone = 0
  private published = 0
  /** Indexes behind the last entry of each full chunk. */
  private chunkEnds: number[] = []
  private openChunkSize = 0
  private stagedSize = 0
  private publishedSize = 0

  constructor(chunkSize: number) {
    this.chunkSize = chunkSize
  }

  /** Bytes of all entries. */
  get size(): number {
    return this.stagedSize
  }

  /** Entries that readers see. */
  get length(): number {
    return this.published
  }

  /** The last entry that is gone from the beginning of the log, with the snapshot. */
  get trimmedTo(): EntryPosition | undefined {
    return this.goneTo
  }

  /** Entries that were ever staged: what `publish` counts in, and nothing takes back but `unstage`. */
  get staged(): number {
    return this.gone + this.index.length
  }

  /** Rows that all entries together add. */
  get rowsAdded(): number {
    let rows = 0
    for (let at = 0; at < this.index.length; at += 1) rows += ROWS_BY[this.index.operationAt(at)]
    return rows
  }

  /** An entry has its place; readers see it when it is published. */
  stage(entry: IndexedEntry): void {
    this.index.push(entry)
    this.stagedSize += entry.place.length
  }

  /** Takes back what is staged of a transaction that has not come to its end; gives it. */
  unstage(lsn: bigint): IndexedEntry[] {
    const from = this.index.firstAfter(lsn - 1n, Number.MAX_SAFE_INTEGER)
    const taken: IndexedEntry[] = []
    for (let at = from; at < this.index.length; at += 1) taken.push(this.index.at(at))
    for (const { place } of taken) this.stagedSize -= place.length
    this.index.truncate(from)
    return taken
  }

  /**
   * Takes the entries of whole transactions out. Before any is published; what `publish` is still told of entries so
   * far then counts some of those that are out, and shows as many less until the next one.
   */
  strike(lsns: ReadonlySet<bigint>): void {
    if (lsns.size === 0) return
    const before = this.index.length
    this.index.retain((lsn) => !lsns.has(lsn))
    this.gone += before - this.index.length
    this.stagedSize = 0
    for (let at = 0; at < this.index.length; at += 1) this.stagedSize += this.index.lengthAt(at)
  }

  /** The first `staged` entries ever are durable, and the transactions they belong to complete. Says whether any is new. */
  publish(staged: number): boolean {
    const count = staged - this.gone
    if (count <= this.published) return false
    for (let at = this.published; at < count; at += 1) {
      const length = this.index.lengthAt(at)
      this.publishedSize += length
      this.openChunkSize += length
      if (this.openChunkSize < this.chunkSize) continue
      this.chunkEnds.push(at + 1)
      this.openChunkSize = 0
    }
    this.published = count
    return true
  }

  /** The beginning was gone before a restart. */
  beginBehind(last: EntryPosition): void {
    this.goneTo = last
  }

  /** Forgets the beginning when readers see more than `bytes`, down to half of them. Says whether it did. */
  trim(bytes: number): boolean {
    if (this.publishedSize <= bytes) return false
    let count = 0
    let size = 0
    while (this.publishedSize - size > bytes / 2) size += this.index.lengthAt(count++)
    this.goneTo = this.positionOf(count - 1)
    this.index.removeFirst(count)
    this.gone += count
    this.published -= count
    this.chunkEnds = this.chunkEnds.map((end) => end - count).filter((end) => end > 0)
    this.stagedSize -= size
    this.publishedSize -= size
    return true
  }

  /** Whether what follows `from` is gone. */
  lacks(from: EntryPosition): boolean {
    return this.goneTo !== undefined && isBefore(from, this.goneTo)
  }

  /** At most a chunk of what follows `from`, or of all; undefined when `from` is beyond the end. */
  page(from: EntryPosition | undefined): Page | undefined {
    if (from && this.endsBefore(from)) return undefined
    const start = from ? this.index.firstAfter(from.lsn, from.position) : 0
    const chunkEnd = firstAbove(this.chunkEnds, start)
    const end = chunkEnd ?? this.published
    const places: Place[] = []
    for (let at = start; at < end; at += 1) places.push(this.index.placeAt(at))
    return {
      places,
      offset: end > start ? this.offsetBehind(end) : from ? { at: 'log', ...from } : SNAPSHOT_END,
      atEnd: end >= this.published,
      whole: chunkEnd !== undefined,
    }
  }

  /** Where the log ends now, for readers. */
  end(): Offset {
    if (this.published > 0) return this.offsetBehind(this.published)
    return this.goneTo ? { at: 'log', ...this.goneTo } : SNAPSHOT_END
  }

  private endsBefore(from: EntryPosition): boolean {
    const last = this.published > 0 ? this.positionOf(this.published - 1) : this.goneTo
    if (!last) return true
    // Where readers of event streams go on; see `ownEnd`.
    if (from.lsn === last.lsn + 1n && from.position === 0) return false
    if (last.lsn !== from.lsn || this.published === 0) return last.lsn < from.lsn
    return last.position < from.position && from.position !== Number.POSITIVE_INFINITY
  }

  private offsetBehind(count: number): Offset {
    return { at: 'log', ...this.positionOf(count - 1) }
  }

  private positionOf(index: number): EntryPosition {
    return { lsn: this.index.lsnAt(index), position: this.index.positionAt(index) }
  }
}

function isBefore(a: EntryPosition, b: EntryPosition): boolean {
  return a.lsn < b.lsn || (a.lsn === b.lsn && a.position < b.position)
}

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
