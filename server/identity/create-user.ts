import type { Role } from '../../shared/identity/permissions.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import { sqlState, type Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, rowsOf } from '../kernel/statement.ts'
import type { Auth } from './auth.ts'
import { passwordPart, personPart } from './user.repository.ts'

export interface NewUser {
  name: string
  email: string
  password: string
  roles: readonly Role[]
}

/** SQLSTATE unique_violation. */
const EXISTS = '23505'

/** An account with a password, made by an administrator, by set-up or from the environment. Returns its id. */
export async function createUser(db: Database, auth: Auth, actor: Actor | undefined, user: NewUser): Promise<string> {
  const id = newId()
  const { password } = await auth.$context
  const invited = auditPart({
    actor_id: actor?.user_id ?? null,
    action: 'user.invite',
    object_type: 'user',
    object_id: id,
    params: { roles: [...user.roles] },
  })
  const parts = [personPart({ ...user, id }), passwordPart(await password.hash(user.password)), invited]
  try {
    await db.query(compose(parts, rowsOf('person')))
  } catch (error) {
    if (sqlState(error) !== EXISTS) throw error
    throw userError('row/exists', { table: 'users' }, 'an account with this e-mail exists')
  }
  return id
}
