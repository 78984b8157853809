import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Tuple } from '../replication/transaction.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { parseVisibility, type Visibility } from './snapshot-visibility.ts'
import { streamRows, type RowQuery } from './stream-rows.ts'

/** What narrows the rows of a shape further; every part is safe SQL over a row named `t`. */
export interface RowSelection {
  condition?: string | undefined
  order?: string | undefined
  limit?: number | undefined
  offset?: number | undefined
}

export interface RowReader {
  /** What the rows that follow are a snapshot of; before the first row. */
  begin: (visibility: Visibility) => void
  /** A row in the order of `names`. While its promise is open no more rows are read. */
  row: (names: readonly string[], values: Tuple) => Promise<void> | undefined
}

/** No rows at all: what the snapshot sees is all that is asked. */
export const NO_ROWS: RowSelection = { condition: 'false' }

/**
 * Reads the rows of a shape, and what the snapshot they come from sees, in one statement: a statement has one
 * snapshot, so this is as consistent as a REPEATABLE READ transaction, in a quarter of the round trips.
 */
export async function selectRows(
  db: pg.Pool,
  definition: ShapeDefinition,
  selection: RowSelection,
  reader: RowReader,
): Promise<void> {
  const names = definition.format.snapshotColumns()
  let begun = false
  await streamRows(db, queryOf(definition, names, selection), (row) => {
    if (begun) return reader.row(names, row.slice(2))
    // These sessions plan no parallel workers, so the parts of the union come in their order.
    begun = true
    reader.begin(parseVisibility(row[0] ?? '', row[1] ?? '0/0'))
    return undefined
  })
  if (!begun) throw new Error('the snapshot query gave no snapshot')
}

function queryOf(
  { format, filter }: ShapeDefinition,
  names: readonly string[],
  { condition, order, limit, offset }: RowSelection,
): RowQuery {
  const columns = names.map((name) => `t.${pg.escapeIdentifier(name)}`).join(', ')
  const table = `${pg.escapeIdentifier(format.table.schema)}.${pg.escapeIdentifier(format.table.name)}`
  const own =
    filter.kind === 'all'
      ? 'true'
      : filter.kind === 'sql'
        ? filter.condition
        : `t.${pg.escapeIdentifier(filter.column)} = $1${filter.but === undefined ? '' : ` and not t.${pg.escapeIdentifier(filter.but)}`}`
  const rows = [
    `select null, null, ${columns} from ${table} t where ${own}${condition === undefined ? '' : ` and ${condition}`}`,
    order === undefined ? '' : ` order by ${order}`,
    limit === undefined ? '' : ` limit ${limit}`,
    offset === undefined ? '' : ` offset ${offset}`,
  ].join('')
  const text = `select pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text, ${names.map(() => 'null').join(', ')} union all (${rows})`
  const values = filter.kind === 'equals' ? [filter.value] : []
  // Shapes of one form differ in the value alone; subsets differ in their text each time.
  const prepared = values.length > 0 && condition === undefined
  // A statement that was prepared before a column changed its type fails for as long as its connection lives.
  const types = format.table.columns.map(({ name, sqlType }) => `${name} ${sqlType}`).join()
  const form = createHash('sha1').update(`${text}\n${types}`).digest('base64url')
  return { text, values, name: prepared ? `snapshot-${form}` : undefined }
}
