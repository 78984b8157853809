import { groupBy } from '../core/group-by.ts'
import type { ReplicaColumn } from './replica-schema.ts'

type Cells = Record<string, string | null>

export interface Statement {
  sql: string
  values: unknown[]
}

/** Rows a statement. */
const CHUNK = 500

/** `x` holds the rows' cells as text; each is cast to its column's type, so every type takes the same way in. */
function source(columns: readonly ReplicaColumn[]): string {
  return `json_to_recordset($1::json) as x(${columns.map(({ name }) => `"${name}" text`).join(', ')})`
}

const cast = ({ name, type }: ReplicaColumn) => `x."${name}"::${type}`
const match = (key: readonly ReplicaColumn[], alias: string) =>
  key.map((column) => `${alias}."${column.name}" = ${cast(column)}`).join(' and ')

/** Whole rows, new or replacing. */
export function upsertRows(
  table: string,
  columns: readonly ReplicaColumn[],
  key: readonly ReplicaColumn[],
  rows: readonly Cells[],
): Statement[] {
  const names = columns.map(({ name }) => `"${name}"`)
  const rest = columns.filter(({ name }) => !key.some((part) => part.name === name))
  const sets = rest.map(({ name }) => `"${name}" = excluded."${name}"`).join(', ')
  const sql = `insert into ${table} (${names.join(', ')}) select ${columns.map(cast).join(', ')} from ${source(columns)}
    on conflict (${key.map(({ name }) => `"${name}"`).join(', ')}) do ${sets ? `update set ${sets}` : 'nothing'}`
  return chunks(rows).map((chunk) => ({ sql, values: [JSON.stringify(chunk)] }))
}

/** Given columns of existing rows; rows are grouped by the columns they carry. */
export function updateRows(
  table: string,
  columns: readonly ReplicaColumn[],
  key: readonly ReplicaColumn[],
  rows: readonly Cells[],
): (Statement & { count: number })[] {
  const groups = groupBy(rows, (row) =>
    columns
      .filter(({ name }) => name in row)
      .map(({ name }) => name)
      .join(','),
  )
  return [...groups].flatMap(([names, group]) => {
    const carried = columns.filter(({ name }) => names.split(',').includes(name))
    const sets = carried.filter(({ name }) => !key.some((part) => part.name === name))
    if (sets.length === 0) return []
    const sql = `update ${table} t set ${sets.map((column) => `"${column.name}" = ${cast(column)}`).join(', ')}
      from ${source(carried)} where ${match(key, 't')}`
    return chunks(group).map((chunk) => ({ sql, values: [JSON.stringify(chunk)], count: chunk.length }))
  })
}

export function deleteRows(table: string, key: readonly ReplicaColumn[], rows: readonly Cells[]): Statement[] {
  const sql = `delete from ${table} t using ${source(key)} where ${match(key, 't')}`
  return chunks(rows).map((chunk) => ({ sql, values: [JSON.stringify(chunk.map((row) => only(row, key)))] }))
}

/** Everything that is not among `rows` goes. */
export function keepRows(table: string, key: readonly ReplicaColumn[], rows: readonly Cells[]): Statement {
  if (rows.length === 0) return { sql: `delete from ${table}`, values: [] }
  return {
    sql: `delete from ${table} t where not exists (select 1 from ${source(key)} where ${match(key, 't')})`,
    values: [JSON.stringify(rows.map((row) => only(row, key)))],
  }
}

export function selectRows(
  table: string,
  columns: readonly ReplicaColumn[],
  key: readonly ReplicaColumn[],
  keys: readonly Cells[],
): Statement {
  return {
    sql: `select ${columns.map(({ name }) => `t."${name}"`).join(', ')} from ${table} t join ${source(key)} on ${match(key, 't')}`,
    values: [JSON.stringify(keys)],
  }
}

function only(row: Cells, key: readonly ReplicaColumn[]): Cells {
  return Object.fromEntries(key.map(({ name }) => [name, row[name] ?? null]))
}

function chunks(rows: readonly Cells[]): Cells[][] {
  return Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, index) =>
    rows.slice(index * CHUNK, (index + 1) * CHUNK),
  )
}
