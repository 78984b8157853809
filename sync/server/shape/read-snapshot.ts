import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Tuple } from '../replication/transaction.ts'
import type { ShapeDefinition } from './shape-log.ts'
import { parseVisibility, snapshotEnd, type Visibility } from './snapshot-visibility.ts'

/** A finished snapshot: the bodies of its chunks, without the brackets. */
export interface Snapshot {
  chunks: Buffer[]
  rows: number
  visibility: Visibility
}

/** Rows turned into messages before other work gets a turn. */
const ROWS_A_TURN = 2000
const asText = { getTypeParser: () => (value: string | Buffer) => value.toString() }

/**
 * Reads the rows of a shape, and what the snapshot they come from sees, in one statement: a statement has one
 * snapshot, so this is as consistent as a REPEATABLE READ transaction, in a quarter of the round trips.
 */
export async function readSnapshot(db: pg.Pool, definition: ShapeDefinition, chunkSize: number): Promise<Snapshot> {
  const names = definition.format.snapshotColumns()
  const { text, values } = snapshotQuery(definition, names)
  const name = values.length > 0 ? `snapshot-${createHash('sha1').update(text).digest('base64url')}` : undefined
  const { rows } = await db.query<(string | null)[]>({
    text,
    values,
    rowMode: 'array',
    types: asText,
    ...(name && { name }),
  })
  return chunk(definition, names, rows, chunkSize)
}

function snapshotQuery(
  { format, filter }: ShapeDefinition,
  names: readonly string[],
): { text: string; values: string[] } {
  const columns = names.map((name) => `t.${pg.escapeIdentifier(name)}`).join(', ')
  const table = `${pg.escapeIdentifier(format.table.schema)}.${pg.escapeIdentifier(format.table.name)}`
  const condition =
    filter.kind === 'all'
      ? 'true'
      : filter.kind === 'sql'
        ? filter.condition
        : `t.${pg.escapeIdentifier(filter.column)} = $1${filter.but === undefined ? '' : ` and not t.${pg.escapeIdentifier(filter.but)}`}`
  const text = `select pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text, ${names.map(() => 'null').join(', ')}
    union all select null, null, ${columns} from ${table} t where ${condition}`
  return { text, values: filter.kind === 'equals' ? [filter.value] : [] }
}

async function chunk(
  { format }: ShapeDefinition,
  names: string[],
  rows: Tuple[],
  chunkSize: number,
): Promise<Snapshot> {
  const chunks: Buffer[] = []
  let visibility: Visibility | undefined
  let open: string[] = []
  let openSize = 0
  const close = (): void => {
    chunks.push(Buffer.from(open.join(',')))
    open = []
    openSize = 0
  }
  for (const [at, row] of rows.entries()) {
    if (at % ROWS_A_TURN === ROWS_A_TURN - 1) await new Promise(setImmediate)
    const [snapshot, lsn] = row
    if (typeof snapshot === 'string') {
      visibility = parseVisibility(snapshot, lsn ?? '0/0')
      continue
    }
    const message = format.snapshotRow(names, row.slice(2))
    open.push(message)
    openSize += message.length
    if (openSize >= chunkSize) close()
  }
  if (!visibility) throw new Error('the snapshot query gave no snapshot')
  open.push(snapshotEnd(visibility))
  close()
  return { chunks, rows: rows.length - 1, visibility }
}
