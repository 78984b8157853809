import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isNullable, pgTypeOf } from '../../shared/kernel/column.ts'
import { SHAPES, SHAPE_NAMES } from '../../sync/protocol/shapes.ts'
import type { Database } from './db.ts'
import { openTestDatabase } from './testing/database-pool.ts'
import { describeSchema } from './testing/describe-schema.ts'

let db: Database
let drop: () => Promise<void>
beforeAll(async () => {
  ;({ db, drop } = await openTestDatabase())
})
afterAll(() => drop())

const dump = path.resolve(import.meta.dirname, '../../migrations/schema.sql')

/** Columns that stay on the server although their table syncs. */
const SERVER_ONLY: Readonly<Record<string, readonly string[]>> = {
  agents: ['search'],
  chats: ['hidden'],
  chat_messages: ['hidden'],
  workflow_executions: ['hidden', 'thread_id', 'checkpoint_id', 'checkpointer_schema', 'final_result'],
  human_intervention_tasks: ['current_state'],
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int4: 'integer',
  int8: 'bigint',
  bool: 'boolean',
  timestamptz: 'timestamp with time zone',
}

interface Column extends Record<string, unknown> {
  name: string
  type: string
  nullable: boolean
}

async function columnsOf(table: string): Promise<Column[]> {
  return db.query<Column>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable
     from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by 1`,
    [table],
  )
}

const sqlType = (pg: string) => TYPE_NAMES[pg] ?? pg.replace(/^varchar/, 'character varying')

describe('migrations', () => {
  it('give the schema that migrations/schema.sql shows (run with UPDATE_SCHEMA=1 to write it anew)', async () => {
    const text = await describeSchema(db)
    if (process.env['UPDATE_SCHEMA'] === '1') await writeFile(dump, text)
    expect(text).toBe(await readFile(dump, 'utf8'))
  })

  it.each(SHAPE_NAMES)('agree with the row type of shape %s, both ways', async (name) => {
    const shape = SHAPES[name]
    const inCode = Object.entries(shape.row.properties).map(([column, schema]) => ({
      name: column,
      type: sqlType(pgTypeOf(schema)).replaceAll(',', ','),
      nullable: isNullable(schema),
    }))
    const hidden = SERVER_ONLY[shape.table] ?? []
    const inDatabase = (await columnsOf(shape.table)).filter((column) => !hidden.includes(column.name))
    // jsonb of any value may hold null in code although the row type cannot say so.
    const loose = (columns: Column[]) =>
      columns
        .map((column) => (column.type === 'jsonb' ? { ...column, nullable: true } : column))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    expect(loose(inCode)).toEqual(loose(inDatabase))
  })

  it.each(SHAPE_NAMES)('key and publish shape %s as it says', async (name) => {
    const shape = SHAPES[name]
    const key = await db.query<{ name: string }>(
      `select a.attname as name from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
       where i.indrelid = $1::regclass and i.indisprimary order by array_position(i.indkey, a.attnum)`,
      [shape.table],
    )
    expect(key.map((row) => row.name)).toEqual([...shape.key])
    const [published] = await db.query(
      `select 1 from pg_publication_tables p join pg_class c on c.oid = p.tablename::regclass and c.relreplident = 'f'
       where p.pubname = 'banyan' and p.tablename = $1`,
      [shape.table],
    )
    expect(published).toBeDefined()
    expect(Object.keys(shape.row.properties)).toContain(shape.owner)
    expect((await columnsOf(shape.table)).some((column) => column.name === 'hidden')).toBe('hidden' in shape)
  })

  it('publish nothing but the tables of shapes', async () => {
    const published = await db.query<{ tablename: string }>('select tablename from pg_publication_tables order by 1')
    expect(published.map(({ tablename }) => tablename)).toEqual(SHAPE_NAMES.map((name) => SHAPES[name].table).sort())
  })

  it('hold the same closed sets as the row types', async () => {
    for (const name of SHAPE_NAMES) {
      const shape = SHAPES[name]
      for (const [column, schema] of Object.entries(shape.row.properties)) {
        if (!('enum' in schema) || !Array.isArray(schema.enum)) continue
        const checks = await db.query<{ definition: string }>(
          `select pg_get_constraintdef(oid) as definition from pg_constraint
           where conrelid = $1::regclass and contype = 'c' and conkey = array[(
             select attnum from pg_attribute where attrelid = $1::regclass and attname = $2)]`,
          [shape.table, column],
        )
        const values = checks.flatMap(({ definition }) =>
          [...definition.matchAll(/'([a-z_]+)'/g)].map((match) => match[1]),
        )
        expect(new Set(values), `${shape.table}.${column}`).toEqual(new Set(schema.enum))
      }
    }
  })
})
