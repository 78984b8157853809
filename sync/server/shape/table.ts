import { createHash } from 'node:crypto'
import type pg from 'pg'

/** A column as the catalogue has it. */
export interface TableColumn {
  name: string
  typeOid: number
  /** Name of the type, of the element for an array: `int4`, `varchar`. */
  typeName: string
  /** Type with its modifier as SQL: `character varying(255)`, `integer[]`. */
  sqlType: string
  /** Quoted collation when it is not the type's own. */
  collation: string | null
  /** Whether equality of values is equality of their text. */
  deterministic: boolean
  dims: number
  typmod: number
  notNull: boolean
  /** Place in the primary key from 0, null outside it. */
  pkIndex: number | null
}

export interface Table {
  oid: number
  schema: string
  name: string
  columns: TableColumn[]
  fullIdentity: boolean
  published: boolean
}

/** Names of key columns in key order; of all columns, sorted, for a table without a primary key. */
export function keyColumns(table: Table): string[] {
  const key = table.columns.filter((column) => column.pkIndex !== null)
  if (key.length === 0) return table.columns.map((column) => column.name).sort()
  return key.sort((a, b) => (a.pkIndex ?? 0) - (b.pkIndex ?? 0)).map((column) => column.name)
}

/** Whether rows of `a` and `b` can stand in one log: same table, name, columns and types. */
export function sameLayout(a: Table, b: Table): boolean {
  return layout(a) === layout(b)
}

/** The same for the same layout, also after a restart. */
export function layoutHash(table: Table): string {
  return createHash('sha1').update(layout(table)).digest('base64url')
}

function layout(table: Table): string {
  return JSON.stringify([table.oid, table.schema, table.name, table.fullIdentity, table.published, table.columns])
}

// Generated columns are left out: the publication does not carry them.
const TABLE_QUERY = `
  select c.oid::int8 as oid, n.nspname as schema, c.relname as name, c.relreplident = 'f' as full_identity,
    exists (select from pg_publication_tables p
      where p.pubname = $1 and p.schemaname = n.nspname and p.tablename = c.relname) as published,
    (select json_agg(json_build_object(
        'name', a.attname, 'typeOid', a.atttypid::int8, 'typmod', a.atttypmod, 'notNull', a.attnotnull,
        'typeName', coalesce(e.typname, t.typname), 'sqlType', format_type(a.atttypid, a.atttypmod),
        'dims', case when e.oid is null then 0 else greatest(a.attndims, 1) end,
        'deterministic', coalesce(l.collisdeterministic, true),
        'collation', case when a.attcollation <> t.typcollation
          then quote_ident(ln.nspname) || '.' || quote_ident(l.collname) end,
        'pkIndex', array_position(k.conkey, a.attnum) - 1) order by a.attnum)
      from pg_attribute a
      join pg_type t on t.oid = a.atttypid
      left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
      left join pg_collation l on l.oid = a.attcollation
      left join pg_namespace ln on ln.oid = l.collnamespace
      left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')`

interface TableRow {
  oid: string
  schema: string
  name: string
  full_identity: boolean
  published: boolean
  columns: TableColumn[] | null
}

/** A table by name, or undefined when there is none. */
export async function readTable(
  db: pg.Pool,
  publication: string,
  schema: string,
  name: string,
): Promise<Table | undefined> {
  const { rows } = await db.query<TableRow>(`${TABLE_QUERY} and n.nspname = $2 and c.relname = $3`, [
    publication,
    schema,
    name,
  ])
  return rows.map(tableOf)[0]
}

/** Those of the tables that still exist. */
export async function readTables(db: pg.Pool, publication: string, oids: number[]): Promise<Table[]> {
  const { rows } = await db.query<TableRow>(`${TABLE_QUERY} and c.oid = any($2::oid[])`, [publication, oids])
  return rows.map(tableOf)
}

function tableOf(row: TableRow): Table {
  return {
    oid: Number(row.oid),
    schema: row.schema,
    name: row.name,
    fullIdentity: row.full_identity,
    published: row.published,
    columns: row.columns ?? [],
  }
}
