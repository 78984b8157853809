import { PGlite } from '@electric-sql/pglite'
import { MUTATORS } from '../../shared/registry.ts'
import { blankReplicaPath, ensureSchema, INITDB_PARAMS, startParams } from './blank-replica.ts'
import { carryOver, isCarried } from './carry-over.ts'
import { PARSERS } from './pg-parsers.ts'
import { PgliteReplica } from './pglite-replica.ts'
import { databaseProgram, NoProgram } from './database-program.ts'
import { deadline, OpenTimeout } from './open-deadline.ts'
import { homes, removeOrphans, type ReplicaHome } from './replica-home.ts'
import { nameOf, predecessors, type ReplicaFiles, type ReplicaName } from './replica-name.ts'
import { schemaHash } from './replica-schema.ts'
import { isFull } from './storage-trouble.ts'

/** Longest wait for a database to open, ms: a hung start must not hold the engine. */
const OPEN_DEADLINE_MS = 45_000

/** Longest wait for the empty replica of the build, ms: making one here takes about as long. */
const BLANK_DEADLINE_MS = 20_000
/** The same where an older replica holds what its person wants to see, ms: away from the server it shows soon, too. */
const BLANK_BESIDE_DEADLINE_MS = 3000

type Report = (trouble: string) => void

/** How a replica is opened: as it lies there; new, with what an earlier one held; new, and made here. */
type Way = 'own' | 'heir' | 'bare'

/**
 * Opens the person's replica: in OPFS, else in IndexedDB, else in memory for this session. What cannot be opened is
 * deleted and built again; the outbox is not in it. One that is new begins with what an earlier one held, which is
 * deleted once the new one is complete.
 */
export async function openReplica(user_id: string, files: ReplicaFiles, report: Report): Promise<PgliteReplica> {
  let last: unknown
  /** Nothing more can be written: what lies there is all there is, and stays. */
  let full = false
  for (const home of await homes(user_id, nameOf({ schema: schemaHash(), generation: files.generation }))) {
    if (full && home.lasting) continue
    for (const way of await waysInto(home)) {
      try {
        if (way !== 'own') await home.remove()
        const replica = await openAt(user_id, home, files, way, report)
        void removeOrphans(user_id).catch(() => undefined)
        return replica
      } catch (error) {
        last = error
        report(`${home.dataDir} (${way}): ${String(error)}`)
        // it may still be at it: these files are not ours to delete now, and the next start takes others
        if (error instanceof OpenTimeout || error instanceof NoProgram) throw error
        full = isFull(error) || !(await home.hasRoom())
        if (full) break
        if (way === 'own' && !(await canStart())) throw error
      }
    }
  }
  throw last
}

async function waysInto(home: ReplicaHome): Promise<Way[]> {
  const there = await home.exists().catch(() => false)
  return there ? ['own', 'heir', 'bare'] : ['heir', 'bare']
}

/** Whether a database starts at all: if not, it is not the files that are to blame, and they stay. */
async function canStart(): Promise<boolean> {
  try {
    await (await openDatabase('memory://', undefined)).close()
    return true
  } catch {
    return false
  }
}

async function openAt(
  user_id: string,
  home: ReplicaHome,
  files: ReplicaFiles,
  way: Way,
  report: Report,
): Promise<PgliteReplica> {
  const { same, other } = way === 'bare' ? NOBODY : predecessors(await home.others(), files)
  const copy = way === 'own' ? undefined : await firstSnapshot(home, same)
  const patience = other.length > 0 ? BLANK_BESIDE_DEADLINE_MS : BLANK_DEADLINE_MS
  // the empty one of the build may be torn: the last way does without
  const begin = copy ?? (way === 'heir' ? await fetchBlank(patience) : undefined)
  const pg = await openDatabase(home.dataDir, begin)
  try {
    await ensureSchema(pg)
    await carryFirst(pg, home, other, files, report)
    return await PgliteReplica.over(pg, {
      user_id,
      mutators: MUTATORS,
      lasting: home.lasting,
      remove: () => home.remove(),
      // what is a copy in memory yet needs its original until the next start
      onComplete: () => void (copy ?? home.removeOthers().catch(() => undefined)),
    })
  } catch (error) {
    await pg.close().catch(() => undefined)
    throw error
  }
}

const NOBODY: ReturnType<typeof predecessors> = { same: [], other: [] }

/** The files of the first of these that stands still. */
async function firstSnapshot(home: ReplicaHome, names: readonly ReplicaName[]): Promise<Blob | undefined> {
  for (const name of names) {
    const files = await home.beside(nameOf(name)).snapshot()
    if (files) return files
  }
  return undefined
}

/** Fills a replica in which nothing has arrived with the rows of the first of these that has any. */
async function carryFirst(
  pg: PGlite,
  home: ReplicaHome,
  names: readonly ReplicaName[],
  files: ReplicaFiles,
  report: Report,
): Promise<void> {
  if (names.length === 0 || !(await isUntouched(pg))) return
  for (const name of names) {
    try {
      if (await carryFrom(pg, home.beside(nameOf(name)), name.generation === files.generation)) return
    } catch (error) {
      report(`${nameOf(name)} (carried over): ${String(error)}`)
    }
  }
}

async function isUntouched(pg: PGlite): Promise<boolean> {
  return !(await isCarried(pg)) && (await pg.query('select 1 from sync_cursor limit 1')).rows.length === 0
}

/** Files of an earlier generation may still be somebody's: of them only a copy is ours to open. */
async function carryFrom(pg: PGlite, old: ReplicaHome, ours: boolean): Promise<boolean> {
  const copy = ours ? undefined : await old.snapshot()
  if (!ours && !copy) return false
  const from = await openDatabase(copy ? 'memory://' : old.dataDir, copy)
  try {
    if (!(await carryOver(from, pg))) return false
    await pg.fs?.syncToFs(false)
    return true
  } finally {
    await from.close()
  }
}

/** `begin`: the files of a database that is new at this place. */
async function openDatabase(dataDir: string, begin: Blob | undefined): Promise<PGlite> {
  const pgliteWasmModule = await databaseProgram()
  const opening = PGlite.create({
    dataDir,
    pgliteWasmModule,
    relaxedDurability: true,
    initDbStartParams: INITDB_PARAMS,
    startParams: startParams(PGlite.defaultStartParams),
    ...(begin && { loadDataDir: begin }),
    parsers: PARSERS,
  })
  return deadline(opening, OPEN_DEADLINE_MS, (late) => late.close())
}

/** The empty replica that came with the build; undefined when it cannot be had: then one is made here. */
async function fetchBlank(patience: number): Promise<Blob | undefined> {
  try {
    const response = await fetch(`/${blankReplicaPath()}`, { signal: AbortSignal.timeout(patience) })
    const tar = await response.arrayBuffer()
    // a page that stands in for a missing file is no tar
    const magic = new TextDecoder().decode(tar.slice(257, 262))
    return response.ok && magic === 'ustar' ? new Blob([tar], { type: 'application/x-tar' }) : undefined
  } catch {
    return undefined
  }
}
