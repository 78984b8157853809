import { ROLES, type Role } from '../../shared/identity/permissions.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Queryable } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { prepared, type Part } from '../kernel/statement.ts'

export interface UserEntry extends Record<string, unknown> {
  id: string
  name: string
  email: string
  roles: Role[]
  disabled_at: string | null
  created_at: string
}

/** The account of seeded agents; nobody signs in as it, and no list shows it. */
export const OFFICIAL_EMAIL = 'official@banyan.invalid'

const ENTRY = 'id, name, email, roles, disabled_at, created_at'
const ADMINISTRATOR = "'admin' = any(roles) and disabled_at is null"

/** People whose name or e-mail contains `q`, the newest first; all when it is empty. */
export function findUsers(db: Queryable, q: string): Promise<UserEntry[]> {
  return db.query<UserEntry>(
    prepared(
      `select ${ENTRY} from users where email <> $2 and ($1 = '' or name ilike '%' || $1 || '%' or email ilike '%' || $1 || '%')
       order by created_at desc limit 200`,
      [q.replace(/[\\%_]/g, '\\$&'), OFFICIAL_EMAIL],
    ),
  )
}

/** Whether somebody can administer this installation. */
export async function hasAdministrator(db: Queryable): Promise<boolean> {
  const rows = await db.query(prepared(`select 1 from users where ${ADMINISTRATOR} limit 1`, []))
  return rows.length > 0
}

/** Whether somebody else can; that person's row stays locked, so that two of them cannot leave at once. */
export async function lockOtherAdministrator(tx: Queryable, user_id: string): Promise<boolean> {
  const rows = await tx.query(
    prepared(`select 1 from users where ${ADMINISTRATOR} and id <> $1 limit 1 for update`, [user_id]),
  )
  return rows.length > 0
}

/** Whether an account with this e-mail exists, in any case of letters. */
export async function hasAccount(db: Queryable, email: string): Promise<boolean> {
  const rows = await db.query(prepared('select 1 from users where email = $1', [email.toLowerCase()]))
  return rows.length > 0
}

/** A person's row, locked; undefined for the account of seeded agents. */
export async function lockUser(tx: Queryable, user_id: string): Promise<UserEntry | undefined> {
  const [user] = await tx.query<UserEntry>(
    prepared(`select ${ENTRY} from users where id = $1 and email <> $2 for update`, [user_id, OFFICIAL_EMAIL]),
  )
  return user
}

interface ActorRow extends Record<string, unknown> {
  id: string
  name: string
  email: string
  roles: string[]
  epoch: number
  created_at: string
}

/** The actor for a user id; undefined when the account is gone or disabled. */
export async function actorOf(db: Queryable, user_id: string, session_id?: string): Promise<Actor | undefined> {
  const [user] = await db.query<ActorRow>(
    prepared('select id, name, email, roles, epoch, created_at from users where id = $1 and disabled_at is null', [
      user_id,
    ]),
  )
  if (!user) return undefined
  return {
    user_id: user.id,
    name: user.name,
    email: user.email,
    roles: user.roles.filter((role): role is Role => ROLES.some((known) => known === role)),
    epoch: user.epoch,
    session_id,
    created_at: user.created_at,
  }
}

/** `person`: a new row of `users`. */
export function personPart(user: { id: string; name: string; email: string; roles: readonly Role[] }): Part {
  return {
    name: 'person',
    sql: `insert into users (id, name, email, roles) values ($1::uuid, $2::varchar, $3::varchar, $4::text[]) returning id`,
    values: [user.id, user.name.trim(), user.email.trim().toLowerCase(), [...user.roles]],
  }
}

/** `account`: the password of the new `person`, hashed by better-auth. */
export function passwordPart(hash: string): Part {
  return {
    name: 'account',
    sql: `insert into accounts (id, user_id, account_id, provider_id, password)
      select $1::uuid, id, id::text, 'credential', $2::text from person`,
    values: [newId(), hash],
  }
}

/** What a change of rights makes of a person. `shrinks` raises the epoch, which is part of shape addresses. */
export interface Rights {
  roles: readonly Role[]
  disabled: boolean
  shrinks: boolean
}

/** `person`: the person's row with new rights, as an entry. */
export function rightsPart(user_id: string, { roles, disabled, shrinks }: Rights): Part {
  return {
    name: 'person',
    sql: `update users set roles = $2::text[], disabled_at = case when $3::boolean then coalesce(disabled_at, now()) end,
        epoch = epoch + case when $4::boolean then 1 else 0 end, updated_at = now()
      where id = $1::uuid returning ${ENTRY}`,
    values: [user_id, [...roles], disabled, shrinks],
  }
}
