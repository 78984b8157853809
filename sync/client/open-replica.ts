import { PGlite } from '@electric-sql/pglite'
import { MUTATORS } from '../../shared/registry.ts'
import { blankReplicaPath, ensureSchema, INITDB_PARAMS, startParams } from './blank-replica.ts'
import { PARSERS } from './pg-parsers.ts'
import { PgliteReplica } from './pglite-replica.ts'
import { homes, type ReplicaHome } from './replica-home.ts'
import { schemaHash } from './replica-schema.ts'

/** Longest wait for a database to open, ms: a hung start must not hold the engine. */
const OPEN_DEADLINE_MS = 45_000

/** Longest wait for the empty replica of the build, ms: making one here takes about as long. */
const BLANK_DEADLINE_MS = 20_000

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
  let trustsBlank = true
  for (const home of await homes(user_id, `${schemaHash()}-g${generation}`)) {
    for (const fresh of [false, true]) {
      let blank: Blob | undefined
      try {
        if (fresh) await home.remove()
        blank = trustsBlank && !(await home.exists()) ? await fetchBlank() : undefined
        const replica = await openAt(user_id, home, blank)
        void home.removeOthers().catch(() => undefined)
        return replica
      } catch (error) {
        last = error
        // the one of the build may be torn: then it is made here
        if (blank) trustsBlank = false
        report(`${home.dataDir}${fresh ? ' (fresh)' : ''}: ${String(error)}`)
        // it may still be at it: these files are not ours to delete now, and the next start takes others
        if (error instanceof OpenTimeout) throw error
      }
    }
  }
  throw last
}

class OpenTimeout extends Error {}

async function openAt(user_id: string, home: ReplicaHome, blank: Blob | undefined): Promise<PgliteReplica> {
  const opening = PGlite.create({
    dataDir: home.dataDir,
    relaxedDurability: true,
    initDbStartParams: INITDB_PARAMS,
    startParams: startParams(PGlite.defaultStartParams),
    ...(blank && { loadDataDir: blank }),
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

/** The empty replica that came with the build; undefined when it cannot be had: then one is made here. */
async function fetchBlank(): Promise<Blob | undefined> {
  try {
    const response = await fetch(`/${blankReplicaPath()}`, { signal: AbortSignal.timeout(BLANK_DEADLINE_MS) })
    const tar = await response.arrayBuffer()
    // a page that stands in for a missing file is no tar
    const magic = new TextDecoder().decode(tar.slice(257, 262))
    return response.ok && magic === 'ustar' ? new Blob([tar], { type: 'application/x-tar' }) : undefined
  } catch {
    return undefined
  }
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
