import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

export interface ApiKeyRow extends Record<string, unknown> {
  id: string
  name: string
  prefix: string
  created_at: string
  expires_at: string | null
  last_used_at: string | null
}

export interface NewApiKey {
  id: string
  user_id: string
  name: string
  /** First letters, by which its owner knows it again. */
  prefix: string
  /** SHA-256 of the key. */
  hash: Buffer
  expires_at: string | undefined
}

/** A person's keys that have not been revoked, the newest first. */
export function keysOf(db: Queryable, user_id: string): Promise<ApiKeyRow[]> {
  return db.query<ApiKeyRow>(
    prepared(
      `select id, name, prefix, created_at, expires_at, last_used_at from api_keys
       where user_id = $1 and revoked_at is null order by created_at desc`,
      [user_id],
    ),
  )
}

/** Whose valid key has this hash, and until when it is valid; notes the use. */
export async function useKey(
  db: Queryable,
  hash: Buffer,
): Promise<{ user_id: string; expires_at: string | null } | undefined> {
  const [row] = await db.query<{ user_id: string; expires_at: string | null }>(
    prepared(
      `update api_keys set last_used_at = now() where key_hash = $1 and revoked_at is null
         and (expires_at is null or expires_at > now()) returning user_id, expires_at`,
      [hash],
    ),
  )
  return row
}

/** `key`: a new key. */
export function keyPart(key: NewApiKey): Part {
  return {
    name: 'key',
    sql: `insert into api_keys (id, user_id, name, prefix, key_hash, expires_at)
      values ($1::uuid, $2::uuid, $3::varchar, $4::varchar, $5::bytea, $6::timestamptz) returning id`,
    values: [key.id, key.user_id, key.name, key.prefix, key.hash, key.expires_at ?? null],
  }
}

/** `key`: a person's own key, revoked; no row when it is not theirs or was revoked before. */
export function revokedKeyPart(id: string, user_id: string): Part {
  return {
    name: 'key',
    sql: 'update api_keys set revoked_at = now() where id = $1::uuid and user_id = $2::uuid and revoked_at is null returning id',
    values: [id, user_id],
  }
}
