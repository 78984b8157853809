/** What a reader asks for: the columns of the rows of a table. */
export interface ShapeSource {
  schema: string
  table: string
  columns?: readonly string[] | undefined
  replica: 'default' | 'full'
  /** `changes_only`: the log begins empty; rows that are there are read by subsets. `full` when absent. */
  log?: 'full' | 'changes_only' | undefined
  /** The rows: all, those with a value in a column (but not those where `but` is true), or those that a condition picks. */
  rows:
    | { kind: 'all' }
    | { kind: 'owner'; column: string; value: string; but?: string | undefined }
    | { kind: 'where'; where: string; params: Readonly<Record<string, string>> }
}

/** Whether a value from the disk has the form of a source; what it names is checked when it is defined. */
export function isShapeSource(value: unknown): value is ShapeSource {
  return typeof value === 'object' && value !== null && 'schema' in value && 'table' in value && 'rows' in value
}
