import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Catalog } from './catalog.ts'
import { ALL_ROWS, type ShapeFilter } from './filter.ts'
import { InvalidShape, isWrongStatement } from './invalid-shape.ts'
import { RowFormat } from './row-format.ts'
import type { ShapeSource } from './shape-source.ts'
import type { ShapeDefinition } from './shape-definition.ts'
import { keyColumns, type Table } from './table.ts'
import { conditionColumns, emitCondition } from '../where/emit-condition.ts'
import { WhereError } from '../where/lexer.ts'
import { parseCondition } from '../where/parse-condition.ts'
import { simpleEquality } from '../where/simple-equality.ts'

/** Formats by table, columns and replica mode: thousands of shapes share a few. */
const formats = new WeakMap<Table, Map<string, RowFormat>>()

/** Checks a source against the catalogue and gives the shape its identity. Throws InvalidShape. */
export async function defineShape(catalog: Catalog, db: pg.Pool, source: ShapeSource): Promise<ShapeDefinition> {
  const table = await catalog.find(source.schema, source.table)
  if (!table) {
    throw new InvalidShape(
      'table',
      `Table "${source.schema}"."${source.table}" does not exist. If the table name contains capitals or special characters you must quote it.`,
    )
  }
  const format = formatOf(table, source)
  const filter = await filterOf(table, db, source)
  const columns = format.columns.map((column) => column.name)
  const rows =
    filter.kind === 'equals'
      ? ['=', filter.column, filter.value, ...(filter.but === undefined ? [] : [filter.but])]
      : filter.kind === 'sql'
        ? ['where', filter.condition]
        : []
  const id = createHash('sha1').update(
    JSON.stringify([table.oid, columns, source.replica, source.log ?? 'full', ...rows]),
  )
  return { id: id.digest('base64url'), source, format, filter }
}

function formatOf(table: Table, { columns, replica }: ShapeSource): RowFormat {
  const known = formats.get(table) ?? new Map<string, RowFormat>()
  formats.set(table, known)
  const id = JSON.stringify([replica, columns && [...columns].sort()])
  const found = known.get(id)
  if (found) return found
  if (columns) checkColumns(table, columns)
  const made = new RowFormat(table, columns, replica)
  known.set(id, made)
  return made
}

function checkColumns(table: Table, columns: readonly string[]): void {
  const names = new Set(table.columns.map((column) => column.name))
  const unknown = columns.filter((column) => !names.has(column))
  if (unknown.length > 0)
    throw new InvalidShape('columns', `The following columns were not found on the table: ${unknown.join(', ')}`)
  if (!table.columns.some((column) => column.pkIndex !== null)) return
  const missing = keyColumns(table).filter((column) => !columns.includes(column))
  if (missing.length > 0)
    throw new InvalidShape(
      'columns',
      `The list of columns must include all primary key columns, missing: ${missing.join(', ')}`,
    )
}

async function filterOf(table: Table, db: pg.Pool, { rows }: ShapeSource): Promise<ShapeFilter> {
  if (rows.kind === 'all') return ALL_ROWS
  if (rows.kind === 'owner') return { kind: 'equals', column: rows.column, value: rows.value, but: rows.but }
  const condition = read(table, rows.where, rows.params)
  const equality = simpleEquality(condition, table.columns)
  if (equality) return equality
  const filter: ShapeFilter = { kind: 'sql', condition: emitCondition(condition), columns: conditionColumns(condition) }
  await checkTypes(table, db, filter.condition)
  return filter
}

function read(
  table: Table,
  where: string,
  params: Readonly<Record<string, string>>,
): ReturnType<typeof parseCondition> {
  try {
    return parseCondition(where, params, new Set(table.columns.map((column) => column.name)))
  } catch (error) {
    if (error instanceof WhereError) throw new InvalidShape('where', error.message)
    throw error
  }
}

const checked = new WeakMap<Table, Set<string>>()

/** Lets Postgres say whether the condition makes sense for the columns' types; it reads no row. */
async function checkTypes(table: Table, db: pg.Pool, condition: string): Promise<void> {
  const known = checked.get(table) ?? new Set<string>()
  checked.set(table, known)
  if (known.has(condition)) return
  try {
    await db.query(
      `select (${condition})::boolean from ${pg.escapeIdentifier(table.schema)}.${pg.escapeIdentifier(table.name)} t limit 0`,
    )
  } catch (error) {
    if (isWrongStatement(error)) throw new InvalidShape('where', error.message)
    throw error
  }
  if (known.size > 10_000) known.clear()
  known.add(condition)
}
