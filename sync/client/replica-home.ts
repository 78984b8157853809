/** A place where a replica can live. */
export interface ReplicaHome {
  dataDir: string
  /** Whether there is a database already. */
  exists(): Promise<boolean>
  /** Deletes the replica's files; the database must be closed. */
  remove(): Promise<void>
  /** Deletes this person's other replicas: old schemas, old generations. */
  removeOthers(): Promise<void>
}

const ROOT = 'banyan'
const IDB_PREFIX = 'banyan-replica'

/** Places to try, best first. */
export async function homes(user_id: string, name: string): Promise<ReplicaHome[]> {
  const opfs = await opfsHome(user_id, name)
  return [...(opfs ? [opfs] : []), ...(globalThis.indexedDB ? [idbHome(user_id, name)] : []), MEMORY]
}

const MEMORY: ReplicaHome = {
  dataDir: 'memory://',
  exists: async () => false,
  remove: async () => undefined,
  removeOthers: async () => undefined,
}

async function opfsHome(user_id: string, name: string): Promise<ReplicaHome | undefined> {
  try {
    await navigator.storage.getDirectory()
  } catch {
    return undefined
  }
  const own = async () => {
    const root = await navigator.storage.getDirectory()
    const banyan = await root.getDirectoryHandle(ROOT, { create: true })
    return banyan.getDirectoryHandle(user_id, { create: true })
  }
  return {
    dataDir: `memfs2opfs://${ROOT}/${user_id}/${name}`,
    exists: async () => {
      const files = await (await own()).getDirectoryHandle(name).catch(() => undefined)
      return (await files?.getFileHandle('PG_VERSION').catch(() => undefined)) !== undefined
    },
    remove: async () => {
      await (await own()).removeEntry(name, { recursive: true }).catch(ifMissing)
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

function idbHome(user_id: string, name: string): ReplicaHome {
  const prefix = `/pglite/${IDB_PREFIX}-${user_id}-`
  return {
    dataDir: `idb://${IDB_PREFIX}-${user_id}-${name}`,
    exists: async () => (await indexedDB.databases()).some(({ name: other }) => other === `${prefix}${name}`),
    remove: () => deleteDatabase(`${prefix}${name}`),
    removeOthers: async () => {
      for (const { name: other } of await indexedDB.databases()) {
        if (other?.startsWith(prefix) && other !== `${prefix}${name}`) await deleteDatabase(other)
      }
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
