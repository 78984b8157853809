import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

export interface SessionRow extends Record<string, unknown> {
  id: string
  user_agent: string | null
  ip_address: string | null
  created_at: string
  updated_at: string
}

/** Sessions that a person is signed in with, the last used first. */
export function openSessionsOf(db: Queryable, user_id: string): Promise<SessionRow[]> {
  return db.query<SessionRow>(
    prepared(
      `select id, user_agent, ip_address, created_at, updated_at from sessions
       where user_id = $1 and expires_at > now() order by updated_at desc`,
      [user_id],
    ),
  )
}

/** Signs a person out everywhere. A trigger records it and tells every process. */
export async function endSessionsOf(db: Queryable, user_id: string): Promise<void> {
  await db.query(prepared('delete from sessions where user_id = $1', [user_id]))
}

/** `ended`: signs a person out everywhere, if `really`. */
export function endedSessionsPart(user_id: string, really: boolean): Part {
  return {
    name: 'ended',
    sql: 'delete from sessions where user_id = $1::uuid and $2::boolean',
    values: [user_id, really],
  }
}

/** Tells every process to ask again who this person is. */
export async function announceRights(tx: Queryable, user_id: string): Promise<void> {
  await tx.query(prepared("select pg_notify('banyan_session', $1)", [user_id]))
}
