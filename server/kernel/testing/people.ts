import { newId } from '../../../shared/kernel/id.ts'
import type { Role } from '../../../shared/identity/permissions.ts'
import type { Database } from '../db.ts'
import type { Actor } from '../request.ts'

/** A person straight into the tables: for tests below the HTTP surface. */
export async function buildPerson(db: Database, roles: readonly Role[] = ['user', 'developer']): Promise<Actor> {
  const id = newId()
  const name = `person ${id.slice(-6)}`
  const email = `${id}@example.com`
  await db.query('insert into users (id, name, email, roles) values ($1, $2, $3, $4)', [id, name, email, [...roles]])
  return { user_id: id, name, email, roles, epoch: 1, created_at: new Date().toISOString() }
}
