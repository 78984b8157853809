import type { ShapeLog } from './shape-log.ts'

/** A new reader gets a new snapshot when the old one and its log are longer than this many times the rows they lead to. */
const LONGER_THAN_ROWS = 1.25
/** A log shorter than this is never worth a new snapshot. */
const SHORT_LOG_BYTES = 8 * 1024
/** A log without rows to begin with gets a successor when it is longer than this. */
const CHANGES_BYTES = 256 * 1024
/** A log this many times as long as its rows loses its beginning, if it is also long in itself. */
const TRIM_ROWS = 8

/** Whether a new reader is better served by a new snapshot. */
export function isLong(shape: ShapeLog): boolean {
  if (shape.lacks({ at: 'before' })) return true
  const worth = shape.definition.source.log === 'changes_only' ? CHANGES_BYTES : shape.liveSize * LONGER_THAN_ROWS
  return shape.state === 'ready' && shape.size > worth + SHORT_LOG_BYTES
}

/** Bytes beyond which a log loses its beginning; `longLog` is long in itself. */
export function longestLog(shape: ShapeLog, longLog: number): number {
  return Math.max(longLog, shape.liveSize * TRIM_ROWS)
}
