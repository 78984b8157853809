import type { Role } from '../../shared/identity/permissions.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, rowsOf } from '../kernel/statement.ts'
import { announceRights, endedSessionsPart } from './session.repository.ts'
import { lockOtherAdministrator, lockUser, rightsPart, type Rights, type UserEntry } from './user.repository.ts'

export interface UserChanges {
  roles?: Role[] | undefined
  disabled?: boolean | undefined
}

/**
 * Changes roles or disables an account. When rights shrink the person's sessions end and their shape addresses
 * change, so that no cache answers for former rights. The last administrator cannot be taken away.
 */
export async function updateUser(db: Database, actor: Actor, id: string, changes: UserChanges): Promise<UserEntry> {
  return db.transaction(async (tx) => {
    const before = await lockUser(tx, id)
    if (!before) throw userError('row/not-found', { table: 'users' })
    const rights = rightsAfter(before, changes)
    if (losesAdministration(before, rights) && !(await lockOtherAdministrator(tx, id))) {
      throw userError('auth/forbidden', { reason: 'last-administrator' }, 'the last administrator must stay')
    }
    const updated = auditPart({
      actor_id: actor.user_id,
      action: 'user.update',
      object_type: 'user',
      object_id: id,
      params: { roles: rights.roles, disabled: rights.disabled, before: before.roles },
    })
    const parts = [rightsPart(id, rights), endedSessionsPart(id, rights.shrinks), updated]
    const [after] = await tx.query<UserEntry>(compose(parts, rowsOf('person')))
    if (!after) throw userError('row/not-found', { table: 'users' })
    await announceRights(tx, id)
    return after
  })
}

function rightsAfter(before: UserEntry, changes: UserChanges): Rights {
  const roles = changes.roles ?? before.roles
  const disabled = changes.disabled ?? before.disabled_at !== null
  return { roles, disabled, shrinks: disabled || before.roles.some((role) => !roles.includes(role)) }
}

function losesAdministration(before: UserEntry, after: Rights): boolean {
  const administered = before.roles.includes('admin') && before.disabled_at === null
  return administered && (after.disabled || !after.roles.includes('admin'))
}
