import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { templateDatabase } from './global-setup.ts'

/** A database of a test file's own. */
export interface TestDatabase {
  /** Superuser, TCP. */
  url: string
  /** Ends its sessions, drops its replication slots, and removes it. */
  drop(): Promise<void>
}

/**
 * Makes a database with all migrations applied, by copying the run's template (about 50 ms). Make one per test file
 * (`beforeAll`), drop it in `afterAll`. Only in `*.pg.test.ts` and `*.e2e.ts`, whose runs start a Postgres.
 */
export async function createTestDatabase(options: { empty?: boolean | undefined } = {}): Promise<TestDatabase> {
  const adminUrl = inject('adminUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  const template = options.empty ? 'template0' : templateDatabase
  await administer(adminUrl, (admin) => admin.query(`create database ${name} template ${template}`))
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(adminUrl, (admin) => dropDatabase(admin, name)) }
}

async function dropDatabase(admin: pg.Client, name: string): Promise<void> {
  // A slot belongs to its database and keeps it from being dropped; an active one ends with its walsender.
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  for (let attempt = 0; attempt < 50; attempt += 1) {
    await admin.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1 and not active',
      [name],
    )
    const { rowCount } = await admin.query('select from pg_replication_slots where database = $1', [name])
    if (rowCount === 0) break
    await admin.query('select pg_sleep(0.02)')
  }
  await admin.query(`drop database if exists ${name} with (force)`)
}

async function administer<T>(adminUrl: string, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}
