import type { Role } from '../../shared/identity/permissions.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import { sqlState, type Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, prepared } from '../kernel/statement.ts'
import type { Auth } from './auth.ts'

export interface UserEntry extends Record<string, unknown> {
  id: string
  name: string
  email: string
  roles: Role[]
  disabled_at: string | null
  created_at: string
}

/** The account of seeded agents; nobody signs in as it. */
export const OFFICIAL_EMAIL = 'official@banyan.invalid'

const ENTRY = 'id, name, email, roles, disabled_at, created_at'

export async function listUsers(db: Database, q: string): Promise<UserEntry[]> {
  return db.query<UserEntry>(
    prepared(
      `select ${ENTRY} from users where email <> $2 and ($1 = '' or name ilike '%' || $1 || '%' or email ilike '%' || $1 || '%')
       order by created_at desc limit 200`,
      [q.replace(/[\\%_]/g, '\\$&'), OFFICIAL_EMAIL],
    ),
  )
}

/** Whether somebody can administer this installation. */
export async function hasAdministrator(db: Database): Promise<boolean> {
  const rows = await db.query(
    prepared("select 1 from users where 'admin' = any(roles) and disabled_at is null limit 1", []),
  )
  return rows.length > 0
}

export interface NewUser {
  name: string
  email: string
  password: string
  roles: readonly Role[]
}

/** An account with a password, made by an administrator, by set-up or from the environment. */
export async function createUser(db: Database, auth: Auth, actor: Actor | undefined, user: NewUser): Promise<string> {
  const id = newId()
  const context = await auth.$context
  const password = await context.password.hash(user.password)
  try {
    await db.query(
      compose(
        [
          {
            name: 'person',
            sql: `insert into users (id, name, email, roles) values ($1::uuid, $2::varchar, $3::varchar, $4::text[]) returning id`,
            values: [id, user.name.trim(), user.email.trim().toLowerCase(), [...user.roles]],
          },
          {
            name: 'account',
            sql: `insert into accounts (id, user_id, account_id, provider_id, password)
              select $1::uuid, id, id::text, 'credential', $2::text from person`,
            values: [newId(), password],
          },
          auditPart({
            actor_id: actor?.user_id ?? null,
            action: 'user.invite',
            object_type: 'user',
            object_id: id,
            params: { roles: [...user.roles] },
          }),
        ],
        'select id from person',
      ),
    )
  } catch (error) {
    if (sqlState(error) === '23505')
      throw userError('row/exists', { table: 'users' }, 'an account with this e-mail exists')
    throw error
  }
  return id
}

/**
 * Changes roles or disables an account. When rights shrink the person's sessions end and their shape addresses
 * change, so that no cache answers for former rights. The last administrator cannot be taken away.
 */
export async function updateUser(
  db: Database,
  actor: Actor,
  id: string,
  changes: { roles?: Role[] | undefined; disabled?: boolean | undefined },
): Promise<UserEntry> {
  return db.transaction(async (tx) => {
    const [before] = await tx.query<UserEntry>(prepared(`select ${ENTRY} from users where id = $1 for update`, [id]))
    if (!before || before.email === OFFICIAL_EMAIL) throw userError('row/not-found', { table: 'users' })
    const roles = changes.roles ?? before.roles
    const disabled = changes.disabled ?? before.disabled_at !== null
    const losesAdmin =
      before.roles.includes('admin') && before.disabled_at === null && (disabled || !roles.includes('admin'))
    if (losesAdmin) {
      const others = await tx.query(
        prepared(
          "select 1 from users where 'admin' = any(roles) and disabled_at is null and id <> $1 limit 1 for update",
          [id],
        ),
      )
      if (others.length === 0)
        throw userError('auth/forbidden', { reason: 'last-administrator' }, 'the last administrator must stay')
    }
    const shrinks = disabled || before.roles.some((role) => !roles.includes(role))
    const [after] = await tx.query<UserEntry>(
      compose(
        [
          {
            name: 'person',
            sql: `update users set roles = $2::text[], disabled_at = case when $3::boolean then coalesce(disabled_at, now()) end,
                epoch = epoch + case when $4::boolean then 1 else 0 end, updated_at = now()
              where id = $1::uuid returning ${ENTRY}`,
            values: [id, roles, disabled, shrinks],
          },
          {
            name: 'ended',
            sql: 'delete from sessions where user_id = $1::uuid and $2::boolean',
            values: [id, shrinks],
          },
          auditPart({
            actor_id: actor.user_id,
            action: 'user.update',
            object_type: 'user',
            object_id: id,
            params: { roles, disabled, before: before.roles },
          }),
        ],
        'select * from person',
      ),
    )
    if (!after) throw userError('row/not-found', { table: 'users' })
    await tx.query("select pg_notify('banyan_session', $1)", [id])
    return after
  })
}
