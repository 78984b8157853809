import type { PGlite, PGliteOptions } from '@electric-sql/pglite'
import { replicaDdl, schemaHash } from './replica-schema.ts'

/**
 * How a replica's cluster is made. Every file of it is read at each start, so it should be small: segments of the log
 * are of 1 MB instead of 16.
 */
export const INITDB_PARAMS = ['--wal-segsize=1']

/** Postgres would take 160 MB for shared buffers alone, and keep 80 MB of old log. */
const SERVER_PARAMS = ['-c', 'shared_buffers=16MB', '-c', 'min_wal_size=2MB', '-c', 'timezone=UTC']

export function startParams(defaults: readonly string[]): NonNullable<PGliteOptions['startParams']> {
  return [...defaults, ...SERVER_PARAMS]
}

/** Creates the tables in one transaction, so that a half-made schema cannot exist. */
export async function ensureSchema(pg: PGlite): Promise<void> {
  const { rows } = await pg.query("select 1 from pg_class where relname = 'sync_cursor'")
  if (rows.length > 0) return
  await pg.transaction(async (tx) => {
    await tx.exec(replicaDdl())
  })
  await slim(pg)
}

/** The templates of databases are two thirds of a cluster's files, and no database will be made here. */
async function slim(pg: PGlite): Promise<void> {
  await pg.exec("update pg_database set datistemplate = false, datallowconn = false where datname like 'template%'")
  for (const template of ['template0', 'template1']) await pg.exec(`drop database ${template}`)
  await pg.exec('analyze')
  await pg.exec('checkpoint')
}

/** Address of the replica that `vite build` made: an empty one of this very schema, as a tar. */
export function blankReplicaPath(): string {
  return `assets/replica-${schemaHash()}.tar`
}
