import { createHash, randomBytes } from 'node:crypto'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, prepared } from '../kernel/statement.ts'
import { actorOf } from './sessions.ts'

const PREFIX = 'bny_'
const CACHE_MS = 15_000

export interface ApiKeyRow extends Record<string, unknown> {
  id: string
  name: string
  prefix: string
  created_at: string
  expires_at: string | null
  last_used_at: string | null
}

const hashOf = (key: string) => createHash('sha256').update(key).digest()

/** Makes a key of 256 random bits. The text is returned this once; the table holds its SHA-256. */
export async function createKey(db: Database, actor: Actor, input: { name: string; expires_at?: string | undefined }) {
  if (input.expires_at && Date.parse(input.expires_at) <= Date.now())
    throw userError('request/invalid', { part: 'body', path: '/expires_at' })
  const id = newId()
  const key = `${PREFIX}${randomBytes(32).toString('base64url')}`
  await db.query(
    compose(
      [
        {
          name: 'key',
          sql: `insert into api_keys (id, user_id, name, prefix, key_hash, expires_at)
            values ($1::uuid, $2::uuid, $3::varchar, $4::varchar, $5::bytea, $6::timestamptz) returning id`,
          values: [id, actor.user_id, input.name, key.slice(0, 10), hashOf(key), input.expires_at ?? null],
        },
        auditPart({ actor_id: actor.user_id, action: 'key.create', object_type: 'api_key', object_id: id }, 'key'),
      ],
      'select id from key',
    ),
  )
  return { id, key }
}

export async function listKeys(db: Database, actor: Actor): Promise<ApiKeyRow[]> {
  return db.query<ApiKeyRow>(
    prepared(
      `select id, name, prefix, created_at, expires_at, last_used_at from api_keys
       where user_id = $1 and revoked_at is null order by created_at desc`,
      [actor.user_id],
    ),
  )
}

export async function revokeKey(db: Database, actor: Actor, id: string): Promise<void> {
  const rows = await db.query(
    compose(
      [
        {
          name: 'key',
          sql: 'update api_keys set revoked_at = now() where id = $1::uuid and user_id = $2::uuid and revoked_at is null returning id',
          values: [id, actor.user_id],
        },
        auditPart({ actor_id: actor.user_id, action: 'key.revoke', object_type: 'api_key', object_id: id }, 'key'),
      ],
      'select id from key',
    ),
  )
  if (rows.length === 0) throw userError('row/not-found', { table: 'api_keys' })
}

/** Finds the person behind `Authorization: Bearer bny_…`. A revoked key works for at most 15 seconds more. */
export function createKeyFinder(db: Database, now: () => number = Date.now) {
  const cache = new Map<string, { actor: Actor | undefined; until: number }>()
  return async (authorization: string | undefined): Promise<Actor | undefined> => {
    const key = /^Bearer\s+(bny_[A-Za-z0-9_-]{20,100})$/.exec(authorization ?? '')?.[1]
    if (!key) return undefined
    const hash = hashOf(key)
    const name = hash.toString('base64')
    const known = cache.get(name)
    if (known && known.until > now()) return known.actor
    const [row] = await db.query<{ user_id: string }>(
      prepared(
        `update api_keys set last_used_at = now() where key_hash = $1 and revoked_at is null
           and (expires_at is null or expires_at > now()) returning user_id`,
        [hash],
      ),
    )
    const actor = row && (await actorOf(db, row.user_id))
    if (cache.size > 5000) cache.clear()
    cache.set(name, { actor, until: now() + CACHE_MS })
    return actor
  }
}
