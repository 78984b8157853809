import { deviceDbName } from './device-db.ts'
import { snapshotDirectory } from './snapshot-directory.ts'

/** A place where a replica can live. */
export interface ReplicaHome {
  dataDir: string
  /** Its files outlive the session. */
  lasting: boolean
  /** Whether there is a database already. */
  exists(): Promise<boolean>
  /** Whether something can be written here: a database that cannot write fails with many words, and not with this one. */
  hasRoom(): Promise<boolean>
  /** Deletes the replica's files; the database must be closed. */
  remove(): Promise<void>
  /** Names of this person's other replicas here, the latest first. */
  others(): Promise<string[]>
  /** The home of another of them. */
  beside(name: string): ReplicaHome
  /** Its files at one moment, as a tar; undefined when somebody is writing them, or they cannot be had. */
  snapshot(): Promise<Blob | undefined>
  /** Deletes this person's other replicas: old schemas, old generations. */
  removeOthers(): Promise<void>
}

const ROOT = 'banyan'
const IDB_PREFIX = 'banyan-replica'
const PROBE_BYTES = 1 << 20

/** Places to try, best first. */
export async function homes(user_id: string, name: string): Promise<ReplicaHome[]> {
  const opfs = await opfsHome(user_id, name)
  const lasting = [...(opfs ? [opfs] : []), ...(globalThis.indexedDB ? [idbHome(user_id, name)] : [])]
  return [...lasting, memoryHome(name, opfs)]
}

/** For one session; it may begin with what lies on the disk, and leaves that alone. */
function memoryHome(name: string, disk: ReplicaHome | undefined): ReplicaHome {
  const home: ReplicaHome = {
    dataDir: 'memory://',
    lasting: false,
    exists: async () => false,
    hasRoom: async () => true,
    remove: async () => undefined,
    others: async () => (disk ? [...((await disk.exists()) ? [name] : []), ...(await disk.others())] : []),
    beside: (other) => disk?.beside(other) ?? home,
    snapshot: async () => undefined,
    removeOthers: async () => undefined,
  }
  return home
}

async function opfsHome(user_id: string, name: string): Promise<ReplicaHome | undefined> {
  try {
    await navigator.storage.getDirectory()
  } catch {
    return undefined
  }
  return opfsHomeOf(user_id, name)
}

function opfsHomeOf(user_id: string, name: string): ReplicaHome {
  const own = async () => {
    const root = await navigator.storage.getDirectory()
    const banyan = await root.getDirectoryHandle(ROOT, { create: true })
    return banyan.getDirectoryHandle(user_id, { create: true })
  }
  return {
    dataDir: `memfs2opfs://${ROOT}/${user_id}/${name}`,
    lasting: true,
    exists: async () => (await madeAt(await own(), name)) !== undefined,
    hasRoom: async () => hasRoom(await own()).catch(() => false),
    remove: async () => {
      await (await own()).removeEntry(name, { recursive: true }).catch(ifMissing)
    },
    others: async () => {
      const directory = await own()
      const found: { other: string; made: number }[] = []
      for await (const other of directory.keys()) {
        const made = other === name ? undefined : await madeAt(directory, other)
        if (made !== undefined) found.push({ other, made })
      }
      return found.sort((a, b) => b.made - a.made).map(({ other }) => other)
    },
    beside: (other) => opfsHomeOf(user_id, other),
    snapshot: async () => {
      try {
        return await snapshotDirectory(await (await own()).getDirectoryHandle(name))
      } catch {
        return undefined
      }
    },
    removeOthers: async () => {
      const directory = await own()
      for await (const other of directory.keys()) {
        // a frozen worker may still hold its files: they go next time
        if (other !== name) await directory.removeEntry(other, { recursive: true }).catch(() => undefined)
      }
    },
  }
}

/** When a replica was made, epoch ms; undefined: there is no whole one. */
async function madeAt(directory: FileSystemDirectoryHandle, name: string): Promise<number | undefined> {
  try {
    const files = await directory.getDirectoryHandle(name)
    return (await (await files.getFileHandle('PG_VERSION')).getFile()).lastModified
  } catch {
    return undefined
  }
}

/** Writes what a database writes at a time, and takes it back. */
async function hasRoom(directory: FileSystemDirectoryHandle): Promise<boolean> {
  const name = 'probe'
  const handle = await directory.getFileHandle(name, { create: true })
  try {
    if (!('createSyncAccessHandle' in handle)) return true
    const access = await handle.createSyncAccessHandle()
    try {
      return access.write(new Uint8Array(PROBE_BYTES)) === PROBE_BYTES
    } finally {
      access.close()
    }
  } finally {
    await directory.removeEntry(name).catch(() => undefined)
  }
}

function idbHome(user_id: string, name: string): ReplicaHome {
  const prefix = `/pglite/${IDB_PREFIX}-${user_id}-`
  const others = async () =>
    (await indexedDB.databases()).flatMap(({ name: other }) =>
      other?.startsWith(prefix) && other !== `${prefix}${name}` ? [other.slice(prefix.length)] : [],
    )
  return {
    dataDir: `idb://${IDB_PREFIX}-${user_id}-${name}`,
    lasting: true,
    exists: async () => (await indexedDB.databases()).some(({ name: other }) => other === `${prefix}${name}`),
    // it is the second choice, and the browser counts both together
    hasRoom: async () => true,
    remove: () => deleteDatabase(`${prefix}${name}`),
    others,
    beside: (other) => idbHome(user_id, other),
    // only a lead that was taken from a frozen tab wants this; without OPFS such a replica is loaded anew
    snapshot: async () => undefined,
    removeOthers: async () => {
      for (const other of await others()) await deleteDatabase(`${prefix}${other}`)
    },
  }
}

/** Deletes all replicas of one person wherever they live; the engine must be gone. */
export async function removeReplicas(user_id: string): Promise<void> {
  for (const home of await homes(user_id, 'none')) await home.removeOthers().catch(() => undefined)
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined)
  const banyan = await root?.getDirectoryHandle(ROOT).catch(() => undefined)
  await banyan?.removeEntry(user_id, { recursive: true }).catch(() => undefined)
}

/** Deletes replicas of people of whom nothing else is here: a sign-out could not delete what a frozen tab held. */
export async function removeOrphans(user_id: string): Promise<void> {
  const known = new Set((await indexedDB.databases()).map(({ name }) => name))
  // a browser that does not name what is there must not be believed
  if (!known.has(deviceDbName(user_id))) return
  const banyan = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT)
  for await (const other of banyan.keys())
    if (!known.has(deviceDbName(other))) await banyan.removeEntry(other, { recursive: true }).catch(() => undefined)
}

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error ?? new Error('not deleted'))
    // somebody still has it open: it is deleted when they close it
    request.onblocked = () => resolve()
  })
}

function ifMissing(error: unknown): void {
  if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
}
