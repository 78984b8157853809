import type { getSession } from '../../shared/identity/api.ts'
import type { EndpointReply } from '../../shared/kernel/endpoint.ts'

export type Session = EndpointReply<typeof getSession>

/**
 * Who is here, and whether somebody left while the server could not be told. In a database, because browsers write
 * localStorage to the disk when they like, up to minutes later: one that is killed would not know its person any more,
 * or show the one before. Where nothing can be kept, nothing was.
 */
const NAME = 'banyan-session'
const STORE = 'kept'
type Key = 'session' | 'left'

export async function readSession(): Promise<Session | undefined> {
  const value = await read('session')
  // Written by `keepSession` only.
  return typeof value === 'object' && value !== null && 'user' in value ? (value as Session) : undefined
}

export async function keepSession(session: Session): Promise<void> {
  await write((kept) => kept.put(JSON.parse(JSON.stringify(session)), 'session' satisfies Key))
}

export async function hasLeft(): Promise<boolean> {
  return (await read('left')) === true
}

export async function noteLeft(): Promise<void> {
  await write((kept) => kept.put(true, 'left' satisfies Key))
}

/** Forgets one of the two; with the last, the database goes as well. */
export async function forget(key: Key): Promise<void> {
  if ((await read(key)) === undefined) return
  const left = await write((kept) => {
    kept.delete(key)
    return kept.count()
  })
  if (left === 0) await settled(indexedDB.deleteDatabase(NAME)).catch(() => undefined)
}

/** Makes no database: whoever only looks leaves no trace. */
async function read(key: Key): Promise<unknown> {
  try {
    const opening = indexedDB.open(NAME)
    opening.onupgradeneeded = () => opening.transaction?.abort()
    const db = await settled(opening)
    try {
      return await settled(db.transaction(STORE).objectStore(STORE).get(key))
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

/** Answers when it is written, not when it is asked for. */
async function write<T>(act: (kept: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  try {
    const opening = indexedDB.open(NAME)
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
    const db = await settled(opening)
    try {
      const transaction = db.transaction(STORE, 'readwrite')
      const request = act(transaction.objectStore(STORE))
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(transaction.error)
      })
      return request.result
    } finally {
      db.close()
    }
  } catch {
    return undefined
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
