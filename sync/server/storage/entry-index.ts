import type { Place } from './frame-log.ts'

export type Operation = 'insert' | 'update' | 'delete'
export const OPERATIONS: readonly Operation[] = ['insert', 'update', 'delete']

/** One message of a shape's log: where it stands in the order of commits, and where its bytes are. */
export interface IndexedEntry {
  lsn: bigint
  /** Place in the transaction. */
  position: number
  operation: Operation
  place: Place
}

// lsn 8 | position 4 | segment 4 | at 4 | length and operation 4
const RECORD_BYTES = 24
const FIRST_CAPACITY = 4
const MAX_LENGTH = 2 ** 30

/** The entries of one shape in the order of their log, 24 bytes each: their text stays on the disk. */
export class EntryIndex {
  private bytes: Buffer | undefined
  private count = 0

  get length(): number {
    return this.count
  }

  push({ lsn, position, operation, place }: IndexedEntry): void {
    const at = this.count * RECORD_BYTES
    if (!this.bytes || at === this.bytes.length) this.grow()
    this.write(at, lsn, position, place, OPERATIONS.indexOf(operation))
    this.count += 1
  }

  lsnAt(index: number): bigint {
    return this.bytes?.readBigUInt64LE(index * RECORD_BYTES) ?? 0n
  }

  positionAt(index: number): number {
    return this.bytes?.readUInt32LE(index * RECORD_BYTES + 8) ?? 0
  }

  lengthAt(index: number): number {
    return (this.bytes?.readUInt32LE(index * RECORD_BYTES + 20) ?? 0) % MAX_LENGTH
  }

  segmentAt(index: number): number {
    return this.bytes?.readUInt32LE(index * RECORD_BYTES + 12) ?? 0
  }

  operationAt(index: number): Operation {
    const packed = this.bytes?.readUInt32LE(index * RECORD_BYTES + 20) ?? 0
    return OPERATIONS[Math.floor(packed / MAX_LENGTH)] ?? 'update'
  }

  at(index: number): IndexedEntry {
    return {
      lsn: this.lsnAt(index),
      position: this.positionAt(index),
      operation: this.operationAt(index),
      place: this.placeAt(index),
    }
  }

  placeAt(index: number): Place {
    const at = index * RECORD_BYTES
    return {
      segment: this.segmentAt(index),
      at: this.bytes?.readUInt32LE(at + 16) ?? 0,
      length: this.lengthAt(index),
    }
  }

  /** The bytes of an entry, if it is still there, were copied to another place. */
  move({ lsn, position }: IndexedEntry, { segment, at }: Pick<Place, 'segment' | 'at'>): void {
    const index = this.firstAfter(lsn, position) - 1
    if (index < 0 || this.lsnAt(index) !== lsn || this.positionAt(index) !== position) return
    this.bytes?.writeUInt32LE(segment, index * RECORD_BYTES + 12)
    this.bytes?.writeUInt32LE(at, index * RECORD_BYTES + 16)
  }

  /** Index of the first entry behind a place in the log. */
  firstAfter(lsn: bigint, position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      const its = this.lsnAt(middle)
      if (its < lsn || (its === lsn && this.positionAt(middle) <= position)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Forgets the first `count` entries. */
  removeFirst(count: number): void {
    const left = this.count - count
    const kept = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, left) * RECORD_BYTES)
    this.bytes?.copy(kept, 0, count * RECORD_BYTES, this.count * RECORD_BYTES)
    this.bytes = kept
    this.count = left
  }

  /** Forgets the entries of transactions that `keep` does not name. */
  retain(keep: (lsn: bigint) => boolean): void {
    let kept = 0
    for (let at = 0; at < this.count; at += 1) {
      if (!keep(this.lsnAt(at))) continue
      this.bytes?.copyWithin(kept * RECORD_BYTES, at * RECORD_BYTES, (at + 1) * RECORD_BYTES)
      kept += 1
    }
    this.count = kept
  }

  /** Forgets all entries from `length` on. */
  truncate(length: number): void {
    this.count = Math.min(this.count, length)
  }

  /** Puts copied entries back into the order of commits; of two copies of one entry the later push stays. */
  sort(): void {
    const entries = Array.from({ length: this.count }, (_, index) => this.at(index))
    if (entries.every((entry, index) => index === 0 || isBefore(entries[index - 1], entry))) return
    const newest = new Map(entries.map((entry) => [`${entry.lsn}_${entry.position}`, entry]))
    const sorted = [...newest.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1))
    this.count = 0
    for (const entry of sorted) this.push(entry)
  }

  private write(at: number, lsn: bigint, position: number, place: Place, operation: number): void {
    if (place.length >= MAX_LENGTH) throw new RangeError('a row of a gigabyte cannot be synchronised')
    this.bytes?.writeBigUInt64LE(lsn, at)
    this.bytes?.writeUInt32LE(position, at + 8)
    this.bytes?.writeUInt32LE(place.segment, at + 12)
    this.bytes?.writeUInt32LE(place.at, at + 16)
    this.bytes?.writeUInt32LE(operation * MAX_LENGTH + place.length, at + 20)
  }

  private grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, this.count * 2)
    const wider = Buffer.allocUnsafeSlow(capacity * RECORD_BYTES)
    this.bytes?.copy(wider)
    this.bytes = wider
  }
}

function isBefore(a: IndexedEntry | undefined, b: IndexedEntry): boolean {
  if (!a) return true
  return a.lsn < b.lsn || (a.lsn === b.lsn && a.position < b.position)
}
