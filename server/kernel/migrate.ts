import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { ConfigurationError } from './configuration-error.ts'

/** One file of the migrations folder, `NNNN_subject.sql`. */
export interface Migration {
  id: number
  name: string
  /** SHA-256 of the text, hex. */
  checksum: string
  /** `-- breaking`: a server that does not know this migration must not run on the database any more. */
  breaking: boolean
  /** `-- no-transaction`: for `create index concurrently`; must be repeatable (`if not exists`). */
  noTransaction: boolean
  sql: string
}

interface AppliedMigration {
  id: number
  name: string
  checksum: string
  breaking: boolean
}

// Any constant will do, as long as all servers use the same; this one spells "banyan".
const advisoryLock = '108170318604654'

/**
 * Brings the database to the state of the folder and returns the names of what was applied, in order.
 * Safe to call from many servers at once: one advisory lock, and each migration's row goes in first, in its transaction.
 * Throws a ConfigurationError when an applied file was changed, or when the database is ahead of this server by a breaking migration.
 */
export async function migrate(url: string, directory: string): Promise<{ applied: string[] }> {
  const migrations = readMigrations(directory)
  const client = new pg.Client({ connectionString: url, application_name: 'banyan-migrate' })
  client.on('error', () => undefined)
  await client.connect()
  try {
    // Session level, and freed by the end of the session at the latest.
    await client.query('select pg_advisory_lock($1)', [advisoryLock])
    await client.query(`
      create table if not exists migrations (
        id integer primary key,
        name text not null,
        checksum text not null,
        breaking boolean not null,
        applied_at timestamptz not null default now()
      )`)
    const pending = checkHistory(migrations, await readApplied(client))
    const applied: string[] = []
    for (const migration of pending) {
      await apply(client, migration)
      applied.push(migration.name)
    }
    return { applied }
  } finally {
    await client.end()
  }
}

/** Reads the folder's migrations in order; other files there (dumps, notes) are left alone. */
export function readMigrations(directory: string): Migration[] {
  const migrations = readdirSync(directory)
    .filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file))
    .toSorted()
    .map((file) => parse(file, readFileSync(path.join(directory, file), 'utf8')))
  for (const [index, migration] of migrations.entries()) {
    const twin = migrations[index + 1]
    if (twin && twin.id === migration.id)
      throw new Error(`Two migrations have one number: ${migration.name}, ${twin.name}`)
  }
  return migrations
}

function parse(file: string, text: string): Migration {
  // A checkout on Windows may change line ends; that is not a change of the migration.
  const sql = text.replaceAll('\r\n', '\n')
  return {
    id: Number(file.slice(0, 4)),
    name: file.replace(/\.sql$/, ''),
    checksum: createHash('sha256').update(sql).digest('hex'),
    breaking: /^-- breaking\b/m.test(sql),
    noTransaction: /^-- no-transaction\b/m.test(sql),
    sql,
  }
}

async function readApplied(client: pg.Client): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    'select id, name, checksum, breaking from migrations order by id',
  )
  return rows
}

/** Compares the folder with what the database has seen; returns what is still to be done. */
function checkHistory(migrations: Migration[], applied: AppliedMigration[]): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.id, migration]))
  for (const row of applied) {
    const ours = known.get(row.id)
    if (!ours && row.breaking) throw serverTooOld(row)
    // Unknown but not breaking: the database was migrated by a newer server, and promises to serve this one too.
    if (ours && ours.checksum !== row.checksum) throw changedFile(ours, row)
  }
  const done = new Set(applied.map((row) => row.id))
  return migrations.filter((migration) => !done.has(migration.id))
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  try {
    if (migration.noTransaction) {
      for (const statement of splitStatements(migration.sql)) await client.query(statement)
      await insertRow(client, migration)
      return
    }
    await client.query('begin')
    // First, so that a server that did not see our lock (a pooler in between) fails here and not half-way.
    await insertRow(client, migration)
    await client.query(migration.sql)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`Migration ${migration.name} failed: ${describe(error, migration.sql)}`, { cause: error })
  }
}

async function insertRow(client: pg.Client, { id, name, checksum, breaking }: Migration): Promise<void> {
  await client.query('insert into migrations (id, name, checksum, breaking) values ($1, $2, $3, $4)', [
    id,
    name,
    checksum,
    breaking,
  ])
}

/**
 * Statements sent together are one transaction to Postgres, so a `-- no-transaction` file goes statement by statement.
 * A statement ends with `;` at the end of a line; such files hold no function bodies.
 */
function splitStatements(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:--[^\n]*)?$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '')
}

function describe(error: unknown, sql: string): string {
  if (!(error instanceof pg.DatabaseError)) return String(error)
  const line = error.position ? ` (line ${sql.slice(0, Number(error.position)).split('\n').length})` : ''
  return [`${error.message}${line}`, error.detail, error.hint].filter(Boolean).join('; ')
}

function changedFile(ours: Migration, row: AppliedMigration): ConfigurationError {
  return new ConfigurationError(
    `迁移 ${ours.name} 在应用到数据库之后被改动过（数据库记录的是 ${row.name}）：请恢复原文件，把改动写进新的迁移。`,
    `The migration ${ours.name} was changed after this database had applied it (recorded as ${row.name}): restore the file, and put the change into a new migration.`,
  )
}

function serverTooOld(row: AppliedMigration): ConfigurationError {
  return new ConfigurationError(
    `数据库已被更新版本的 Banyan 升级（${row.name}），本版本太旧，不能使用它：请升级程序，或恢复升级前的备份。`,
    `The database was upgraded by a newer Banyan (${row.name}), which this version is too old for: upgrade the program, or restore the backup made before the upgrade.`,
  )
}
