import { PGlite } from '@electric-sql/pglite'
import { MUTATORS } from '../../shared/registry.ts'
import { PARSERS } from './pg-parsers.ts'
import { PgliteReplica } from './pglite-replica.ts'
import { homes, type ReplicaHome } from './replica-home.ts'
import { replicaDdl, schemaHash } from './replica-schema.ts'

/** Longest wait for a database to open, ms: a hung start must not hold the engine. */
const OPEN_DEADLINE_MS = 45_000

/** Start parameters: Postgres would take 160 MB for shared buffers alone. */
const START_PARAMS = ['-c', 'shared_buffers=16MB', '-c', 'timezone=UTC']

/**
 * Opens the person's replica: in OPFS, else in IndexedDB, else in memory for this session. What cannot be opened is
 * deleted and built again; the outbox is not in it.
 */
export async function openReplica(
  user_id: string,
  generation: number,
  report: (trouble: string) => void,
): Promise<PgliteReplica> {
  let last: unknown
  for (const home of await homes(user_id, `${schemaHash()}-g${generation}`)) {
    for (const fresh of [false, true]) {
      try {
        if (fresh) await home.remove()
        const replica = await openAt(user_id, home)
        void home.removeOthers().catch(() => undefined)
        return replica
      } catch (error) {
        last = error
        report(`${home.dataDir}${fresh ? ' (fresh)' : ''}: ${String(error)}`)
        if (error instanceof OpenTimeout) throw error
      }
    }
  }
  throw last
}

class OpenTimeout extends Error {}

async function openAt(user_id: string, home: ReplicaHome): Promise<PgliteReplica> {
  const opening = PGlite.create({
    dataDir: home.dataDir,
    relaxedDurability: true,
    startParams: [...PGlite.defaultStartParams, ...START_PARAMS],
    parsers: PARSERS,
  })
  const pg = await deadline(opening)
  try {
    await ensureSchema(pg)
    return await PgliteReplica.over(pg, { user_id, mutators: MUTATORS, remove: () => home.remove() })
  } catch (error) {
    await pg.close().catch(() => undefined)
    throw error
  }
}

/** Creates the tables in one transaction, so that a half-made schema cannot exist. */
export async function ensureSchema(pg: PGlite): Promise<void> {
  const { rows } = await pg.query("select 1 from pg_class where relname = 'sync_cursor'")
  if (rows.length > 0) return
  await pg.transaction(async (tx) => {
    await tx.exec(replicaDdl())
  })
}

async function deadline(opening: Promise<PGlite>): Promise<PGlite> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OpenTimeout('the replica did not open in time')), OPEN_DEADLINE_MS)
  })
  try {
    return await Promise.race([opening, late])
  } catch (error) {
    opening.then((pg) => pg.close()).catch(() => undefined)
    throw error
  } finally {
    clearTimeout(timer)
  }
}
