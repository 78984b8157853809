import { createHash, randomBytes } from 'node:crypto'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, rowsOf } from '../kernel/statement.ts'
import type { ActorCache } from './actor-cache.ts'
import { keyPart, revokedKeyPart, useKey } from './api-key.repository.ts'
import { announceRights } from './session.repository.ts'
import { actorOf } from './user.repository.ts'

const PREFIX = 'bny_'

/** Makes a key of 256 random bits. The text is returned this once; the table holds its SHA-256. */
export async function createKey(
  db: Database,
  { user_id }: Actor,
  { name, expires_at }: { name: string; expires_at?: string | undefined },
): Promise<{ id: string; key: string }> {
  if (expires_at && Date.parse(expires_at) <= Date.now())
    throw userError('request/invalid', { part: 'body', path: '/expires_at' })
  const id = newId()
  const key = `${PREFIX}${randomBytes(32).toString('base64url')}`
  const created = auditPart({ actor_id: user_id, action: 'key.create', object_type: 'api_key', object_id: id }, 'key')
  const stored = keyPart({ id, user_id, name, prefix: key.slice(0, 10), hash: hashOf(key), expires_at })
  await db.query(compose([stored, created], rowsOf('key')))
  return { id, key }
}

/** Revokes a person's own key, and tells every process. */
export async function revokeKey(db: Database, { user_id }: Actor, id: string): Promise<void> {
  const revoked = auditPart({ actor_id: user_id, action: 'key.revoke', object_type: 'api_key', object_id: id }, 'key')
  const rows = await db.query(compose([revokedKeyPart(id, user_id), revoked], rowsOf('key')))
  if (rows.length === 0) throw userError('row/not-found', { table: 'api_keys' })
  await announceRights(db, user_id)
}

/** Finds the person behind `Authorization: Bearer bny_…`. `known` is told when a key is revoked or rights change. */
export function createKeyFinder(db: Database, known: ActorCache) {
  return async (authorization: string | undefined): Promise<Actor | undefined> => {
    const key = /^Bearer\s+(bny_[A-Za-z0-9_-]{20,100})$/.exec(authorization ?? '')?.[1]
    if (!key) return undefined
    const hash = hashOf(key)
    return known.get(`key ${hash.toString('base64')}`, async () => {
      const used = await useKey(db, hash)
      const actor = used && (await actorOf(db, used.user_id))
      return actor && { actor, expires: used.expires_at === null ? undefined : Date.parse(used.expires_at) }
    })
  }
}

const hashOf = (key: string) => createHash('sha256').update(key).digest()
