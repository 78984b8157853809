import type { Operation } from '../storage/entry-index.ts'

/** Rows that one entry of a log adds. */
export const ROWS_BY: Readonly<Record<Operation, number>> = { insert: 1, update: 0, delete: -1 }

/** How many rows a shape has now, and about how long they are: that tells whether its log is longer than it is worth. */
export class RowCount {
  private count = 0
  private inserted = { rows: 0, size: 0 }

  get rows(): number {
    return this.count
  }

  /** Bytes of the rows, each taken to be as long as those that were ever inserted are on the average. */
  get size(): number {
    return this.inserted.rows === 0 ? 0 : (this.count * this.inserted.size) / this.inserted.rows
  }

  /** A snapshot of so many rows and bytes. */
  begin(rows: number, size: number): void {
    this.count = rows
    this.inserted = { rows, size }
  }

  add(operation: Operation, length: number): void {
    this.count += ROWS_BY[operation]
    if (operation !== 'insert') return
    this.inserted.rows += 1
    this.inserted.size += length
  }

  takeBack(operation: Operation): void {
    this.count -= ROWS_BY[operation]
  }
}
