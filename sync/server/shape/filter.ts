/** Which rows of a table are in a shape. */
export type ShapeFilter =
  | { kind: 'all' }
  /**
   * One column equals one value, given as Postgres prints it: found by hash, at no cost to other shapes. Rows where the
   * boolean column `but` is true are not in it.
   */
  | { kind: 'equals'; column: string; value: string; but?: string | undefined }
  /** Anything else, decided by Postgres: a safely re-emitted condition, and the columns it names. */
  | { kind: 'sql'; condition: string; columns: readonly string[] }

export const ALL_ROWS: ShapeFilter = { kind: 'all' }
