import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from './migrate.ts'
import { createTestDatabase, type TestDatabase } from './testing/index.ts'

let database: TestDatabase
let folder: string

beforeEach(async () => {
  database = await createTestDatabase({ empty: true })
  folder = mkdtempSync(path.join(tmpdir(), 'migrations-'))
})

afterEach(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

test('applies files in order, once', async () => {
  write('0002_more.sql', 'alter table notes add column title text;')
  write('0001_notes.sql', 'create table notes (id integer primary key); insert into notes values (1);')
  write('schema.sql', 'this is a dump and no migration')
  expect(await migrate(database.url, folder)).toEqual({ applied: ['0001_notes', '0002_more'] })
  expect(await migrate(database.url, folder)).toEqual({ applied: [] })
  expect(await rows('select id, title from notes')).toEqual([{ id: 1, title: null }])
  expect(await rows('select id, name, breaking from migrations order by id')).toEqual([
    { id: 1, name: '0001_notes', breaking: false },
    { id: 2, name: '0002_more', breaking: false },
  ])
})

test('many servers that start at once apply each migration once', async () => {
  write('0001_notes.sql', 'create table notes (id integer primary key);')
  const results = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url, folder)))
  expect(results.flatMap((result) => result.applied)).toEqual(['0001_notes'])
})

test('a migration that fails leaves nothing of itself, and names its line', async () => {
  write('0001_notes.sql', 'create table notes (id integer primary key);')
  write('0002_bad.sql', 'create table half (id integer);\n\nselect nonsense;')
  await expect(migrate(database.url, folder)).rejects.toThrow(
    /0002_bad failed: column "nonsense" does not exist \(line 3\)/,
  )
  expect(
    await rows(`select to_regclass('notes') is not null as notes, to_regclass('half') is null as no_half`),
  ).toEqual([{ notes: true, no_half: true }])
})

test('a file changed after it was applied is refused', async () => {
  write('0001_notes.sql', 'create table notes (id integer primary key);')
  await migrate(database.url, folder)
  write('0001_notes.sql', 'create table notes (id bigint primary key);')
  await expect(migrate(database.url, folder)).rejects.toThrow(/0001_notes was changed/)
})

test('other line ends are not a change', async () => {
  write('0001_notes.sql', 'create table notes (\nid integer primary key\n);\n')
  await migrate(database.url, folder)
  write('0001_notes.sql', 'create table notes (\r\nid integer primary key\r\n);\r\n')
  expect(await migrate(database.url, folder)).toEqual({ applied: [] })
})

test('a no-transaction file may build indexes concurrently', async () => {
  write('0001_notes.sql', 'create table notes (id integer primary key, body text);')
  write(
    '0002_index.sql',
    '-- no-transaction\ndrop index concurrently if exists notes_body;\n-- why\ncreate index concurrently notes_body\n  on notes (body); -- done\n',
  )
  expect(await migrate(database.url, folder)).toEqual({ applied: ['0001_notes', '0002_index'] })
  expect(await rows(`select indisvalid from pg_index where indexrelid = 'notes_body'::regclass`)).toEqual([
    { indisvalid: true },
  ])
})

test('an older server runs on a newer database unless a breaking migration was applied', async () => {
  write('0001_notes.sql', 'create table notes (id integer primary key);')
  write('0002_more.sql', 'alter table notes add column title text;')
  await migrate(database.url, folder)
  rmSync(path.join(folder, '0002_more.sql'))
  expect(await migrate(database.url, folder)).toEqual({ applied: [] })

  write('0003_gone.sql', '-- breaking\nalter table notes drop column title;')
  await migrate(database.url, folder)
  rmSync(path.join(folder, '0003_gone.sql'))
  await expect(migrate(database.url, folder)).rejects.toThrow(/newer Banyan \(0003_gone\)/)
})

function write(file: string, sql: string): void {
  writeFileSync(path.join(folder, file), sql)
}

async function rows(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const result = await client.query(sql)
  await client.end()
  return result.rows
}
