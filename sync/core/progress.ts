import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { advanced, type ShapeCursor } from './settlement.ts'
import type { Batch, Position } from './staging.ts'

export interface Cursor {
  position: Position
  /** Commit LSN (decimal text) up to which the shape is complete. */
  lsn: string | null
}

/** How far each shape of a replica has come: what its owner remembers beside the rows. */
export class Progress {
  readonly #cursors: Map<ShapeName, Cursor>
  readonly #refetching = new Set<ShapeName>()
  readonly #gone = new Set<ShapeName>()
  readonly #damaged = new Set<ShapeName>()

  constructor(saved: Iterable<readonly [ShapeName, Cursor]>) {
    this.#cursors = new Map(saved)
  }

  /** Every shape that may be read has been complete once. */
  get complete(): boolean {
    return SHAPE_NAMES.every((name) => this.#cursors.has(name) || this.#gone.has(name))
  }

  position(shape: ShapeName): Position | undefined {
    return this.#cursors.get(shape)?.position
  }

  lsn(shape: ShapeName): string | null {
    return this.#cursors.get(shape)?.lsn ?? null
  }

  isGone(shape: ShapeName): boolean {
    return this.#gone.has(shape)
  }

  /** Shapes that may be read, as settlement looks at them. */
  active(): Map<ShapeName, ShapeCursor> {
    const active = SHAPE_NAMES.filter((name) => !this.#gone.has(name))
    return new Map(
      active.map((name) => [
        name,
        { table: SHAPES[name].table, lsn: this.lsn(name), refetching: this.#refetching.has(name) },
      ]),
    )
  }

  /**
   * The cursor that belongs to a batch. `idle`: it is all that the batch brings, and is kept in memory, because writing
   * it at each poll would wear the disk for nothing. `doubtful`: shapes whose LSN says nothing until their next word,
   * to be forgotten in the batch's own transaction. Acks that are loaded anew may be of another WAL, as after the
   * database was moved, and LSNs of two WALs do not compare.
   */
  after(shape: ShapeName, batch: Batch): { cursor: Cursor; idle: boolean; doubtful: ShapeName[] } {
    const before = this.#cursors.get(shape)
    // also when they come for the first time: other shapes may have come before the move
    const anew = batch.refetch && shape === 'acks'
    const known = [...this.#cursors].flatMap(([name, { lsn }]) => (name === shape || lsn === null ? [] : [name]))
    return {
      cursor: { position: batch.position, lsn: advanced(before?.lsn ?? null, batch) },
      idle: before !== undefined && batch.changes.length === 0 && !batch.refetch,
      doubtful: anew ? known : [],
    }
  }

  /** A batch is written. `whole`: its log spoke of no row that is not here. */
  reached(shape: ShapeName, cursor: Cursor, whole: boolean): void {
    if (!whole) this.#damaged.add(shape)
    this.#cursors.set(shape, cursor)
    this.#refetching.delete(shape)
  }

  refetching(shape: ShapeName): void {
    this.#refetching.add(shape)
  }

  /** Whether the log spoke of rows that are not here; then the shape's position is forgotten. Answers once. */
  takeDamage(shape: ShapeName): boolean {
    if (!this.#damaged.delete(shape)) return false
    this.#cursors.delete(shape)
    return true
  }

  /** The shape may be read no longer. */
  revoke(shape: ShapeName): void {
    this.#gone.add(shape)
    this.#cursors.delete(shape)
  }

  /** What is on disk is right already. */
  forgetLsns(shapes: readonly ShapeName[]): void {
    for (const [name, cursor] of this.#cursors)
      if (shapes.includes(name)) this.#cursors.set(name, { ...cursor, lsn: null })
  }
}
