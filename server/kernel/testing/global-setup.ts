import { existsSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../migrate.ts'
import { startEmbeddedPostgres } from '../postgres/embedded.ts'
import { makeDataDir } from './data-dir.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the maintenance database of the run's one Postgres. */
    adminUrl: string
  }
}

/** The database that every test database is copied from. */
export const templateDatabase = 'banyan_template'

const migrations = path.resolve(import.meta.dirname, '../../../migrations')

/** vitest globalSetup: one Postgres for the whole run, one migrated template in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = makeDataDir()
  const postgres = await startEmbeddedPostgres({
    dataDir: dataDir.path,
    log: () => undefined,
    // Durability is the one thing that a test database does not need; tests of it start their own.
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '200',
      max_replication_slots: '40',
      max_wal_senders: '40',
    },
  })
  const remove = async (): Promise<void> => {
    await postgres.stop()
    dataDir.remove()
  }
  try {
    const adminUrl = withDatabase(postgres.url, 'postgres')
    const admin = new pg.Client({ connectionString: adminUrl })
    await admin.connect()
    await admin.query(`create database ${templateDatabase}`)
    if (existsSync(migrations)) await migrate(withDatabase(postgres.url, templateDatabase), migrations)
    await admin.end()
    project.provide('adminUrl', adminUrl)
    return remove
  } catch (error) {
    await remove()
    throw error
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
