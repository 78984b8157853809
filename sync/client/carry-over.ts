import type { PGliteInterface, Transaction } from '@electric-sql/pglite'
import type { TSchema } from 'typebox'
import { isNullable, pgTypeOf } from '../../shared/kernel/column.ts'
import { SHAPE_NAMES, SHAPES, type ShapeDefinition } from '../protocol/shapes.ts'
import { localType } from './replica-schema.ts'

/** A table of the replica that outlives a change of its schema, with what its columns hold where the old one has none. */
interface Carried {
  table: string
  empty: ReadonlyMap<string, string>
}

/**
 * Fills a new replica with the rows of one of another schema, as far as the two agree, so that an app that has just
 * been updated shows what the device held, also without the server. No position is taken over: every shape is read
 * anew, and its rows then replace these in one step.
 *
 * Answers false when the old one had nothing to give. All of it in one transaction: half of it cannot be.
 */
export async function carryOver(from: PGliteInterface, to: PGliteInterface): Promise<boolean> {
  const columns = await columnsOf(from)
  if (!(await hasRowsToGive(from, columns))) return false
  await to.transaction(async (tx) => {
    for (const carried of CARRIED) await copyTable(from, tx, carried, columns.get(carried.table) ?? [])
    await tx.query('insert into sync_carried default values')
  })
  return true
}

/** Whether a replica's rows are those of an older one, wholly or in part. */
export async function isCarried(pg: PGliteInterface): Promise<boolean> {
  return (await pg.query('select 1 from sync_carried limit 1')).rows.length > 0
}

/** A replica in which nothing has arrived yet is worth less than none. */
async function hasRowsToGive(pg: PGliteInterface, columns: ReadonlyMap<string, string[]>): Promise<boolean> {
  const marks = ['sync_cursor', 'sync_carried'].filter((table) => columns.has(table))
  for (const table of marks) if ((await pg.query(`select 1 from ${table} limit 1`)).rows.length > 0) return true
  return false
}

async function columnsOf(pg: PGliteInterface): Promise<Map<string, string[]>> {
  const { rows } = await pg.query<{ table: string; columns: string[] }>(
    `select table_name as table, array_agg(column_name::text) as columns from information_schema.columns
      where table_schema = 'public' group by table_name`,
  )
  return new Map(rows.map(({ table, columns }) => [table, columns]))
}

/** What no longer fits is left out, table by table: it comes from the server. */
async function copyTable(
  from: PGliteInterface,
  tx: Transaction,
  carried: Carried,
  had: readonly string[],
): Promise<void> {
  const { table, empty } = carried
  const common = [...empty.keys()].filter((name) => had.includes(name))
  if (common.length === 0) return
  const list = common.map((name) => `"${name}"`).join(', ')
  await tx.exec('savepoint one_table')
  try {
    const { blob } = await from.query(`copy (select ${list} from ${table}) to '/dev/blob'`)
    if (!blob) return
    await tx.query(`copy ${table} (${list}) from '/dev/blob'`, [], { blob })
    const missing = [...empty].filter(([name, value]) => !common.includes(name) && value !== NULL)
    if (missing.length > 0)
      await tx.query(`update ${table} set ${missing.map(([name, value]) => `"${name}" = ${value}`).join(', ')}`)
  } catch {
    await tx.exec('rollback to savepoint one_table')
  }
  await tx.exec('release savepoint one_table')
}

const NULL = 'null'

const CARRIED: readonly Carried[] = [
  ...SHAPE_NAMES.map((name) => {
    const { table, row }: ShapeDefinition = SHAPES[name]
    const empty = Object.entries(row.properties).map(([column, schema]) => [column, emptyValue(schema)] as const)
    return { table: `${table}_synced`, empty: new Map(empty) }
  }),
  { table: 'sync_window', empty: new Map([['since', 'now()']]) },
  {
    table: 'sync_chats',
    empty: new Map([
      ['chat_id', NULL],
      ['opened_at', 'now()'],
    ]),
  },
]

/** An SQL value that a new column may hold until the server has said what it is: what reads it expects its type. */
function emptyValue(schema: TSchema): string {
  if (isNullable(schema)) return NULL
  if ('enum' in schema && Array.isArray(schema.enum)) return `'${String(schema.enum[0])}'`
  const type = localType(pgTypeOf(schema))
  if (type === 'jsonb') return 'type' in schema && schema.type === 'array' ? "'[]'" : "'{}'"
  if (type === 'timestamptz') return 'now()'
  if (type === 'bool') return 'false'
  if (type === 'text') return "''"
  if (type.endsWith('[]')) return "'{}'"
  return type === 'uuid' ? NULL : '0'
}
