import type { CreatedShape, FrameBuilder } from '../storage/records.ts'
import type { ShapeLog } from './shape-log.ts'
import { layoutHash } from './table.ts'

/** What the log on the disk must know to make the shape's definition again. */
export function createdRecord({ handle, definition }: ShapeLog): CreatedShape {
  return { handle, source: definition.source, layout: layoutHash(definition.format.table) }
}

/** Writes all that the log on the disk must know of a shape besides its snapshot and entries. */
export function describeShape(frame: FrameBuilder, shape: ShapeLog, completeTo: bigint): void {
  frame.created(shape.number, createdRecord(shape))
  frame.loaded(shape.number, shape.loaded(completeTo))
  if (shape.trimmed) frame.trimmed(shape.number, shape.trimmed)
}
