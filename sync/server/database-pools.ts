import pg from 'pg'
import { VALUE_FORMAT } from './replication/session-settings.ts'
import type { SyncLog } from './sync-log.ts'

export interface DatabasePools {
  /** Snapshots of shapes, and the catalogue. Few: they are short, and wait their turn. */
  snapshots: pg.Pool
  /** Conditions of foreign origin, so that slow ones hold up no snapshot. */
  decisions: pg.Pool
  /** Parts of shapes that readers ask for. */
  subsets: pg.Pool
  end(): Promise<void>
}

/** Sessions that may only read, print values as the replication stream does, and give up slow statements. */
export function createDatabasePools(
  databaseUrl: string,
  log: SyncLog,
  sizes = { snapshots: 4, decisions: 2, subsets: 3 },
): DatabasePools {
  const snapshots = pool(databaseUrl, log, sizes.snapshots, 15 * 60_000)
  const decisions = pool(databaseUrl, log, sizes.decisions, 5_000)
  const subsets = pool(databaseUrl, log, sizes.subsets, 15_000)
  return {
    snapshots,
    decisions,
    subsets,
    end: async () => {
      await Promise.all([snapshots.end(), decisions.end(), subsets.end()])
    },
  }
}

function pool(connectionString: string, log: SyncLog, max: number, timeoutMs: number): pg.Pool {
  const made = new pg.Pool({
    connectionString,
    max,
    application_name: 'banyan-sync',
    keepAlive: true,
    idleTimeoutMillis: 60_000,
    onConnect: async (client) => {
      await client.query(
        `${VALUE_FORMAT}; set default_transaction_read_only = on; set max_parallel_workers_per_gather = 0; set statement_timeout = ${timeoutMs}`,
      )
    },
  })
  // Without a listener a lost idle connection would end the process.
  made.on('error', (error) => log.warn({ event: 'sync.pool-error', error: error.message }, 'database connection lost'))
  return made
}
