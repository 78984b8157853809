export interface StoreLimits {
  /** Bytes in one chunk of a snapshot or log. */
  chunkSize: number
  maxShapes: number
  /** Bytes that all snapshots and logs may keep on the disk. */
  maxSize: number
  /** A log shorter than this many bytes keeps its beginning, whatever the rows. */
  longLog: number
  /** A shape that nobody has read for this long may go. */
  idleMs: number
  /** A log that another has replaced goes when nobody has read it for this long. */
  replacedMs: number
}

export const DEFAULT_LIMITS: StoreLimits = {
  chunkSize: 10 * 1024 * 1024,
  maxShapes: 100_000,
  maxSize: 2 * 1024 * 1024 * 1024,
  longLog: 4 * 1024 * 1024,
  idleMs: 7 * 24 * 3_600_000,
  replacedMs: 3_600_000,
}
