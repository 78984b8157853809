/** One change of a shape's log, values as Postgres text. An update carries the key and the changed columns. */
export interface Change {
  op: 'insert' | 'update' | 'delete'
  row: Record<string, string | null>
  /** Commit LSN, decimal text; absent in snapshots. */
  lsn?: string | undefined
  /** 32-bit ids of the transactions that it sums up; absent in snapshots. */
  txids?: readonly number[] | undefined
}

/** What a run of changes comes to for one key. */
export type Folded =
  | { kind: 'put'; row: Record<string, string | null> }
  | { kind: 'patch'; row: Record<string, string | null> }
  | { kind: 'drop'; row: Record<string, string | null> }

/**
 * Changes in log order folded to one per key, so that a batch is three statements instead of one a change. An update
 * after a delete can only be a replay of what is already gone; it stays deleted.
 */
export function foldChanges(changes: readonly Change[], key: readonly string[]): Map<string, Folded> {
  const folded = new Map<string, Folded>()
  for (const { op, row } of changes) {
    const id = JSON.stringify(key.map((name) => row[name] ?? null))
    const before = folded.get(id)
    if (op === 'insert') folded.set(id, { kind: 'put', row })
    else if (op === 'delete') folded.set(id, { kind: 'drop', row })
    else if (!before) folded.set(id, { kind: 'patch', row })
    else if (before.kind !== 'drop') folded.set(id, { kind: before.kind, row: { ...before.row, ...row } })
  }
  return folded
}
