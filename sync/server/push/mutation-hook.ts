import type { MutationContext, Reader, Write } from '../../../shared/kernel/mutator.ts'
import type { Role } from '../../../shared/identity/permissions.ts'
import type { AuditEntry } from '../../../server/kernel/audit-log.ts'
import type { Part } from '../../../server/kernel/statement.ts'

/** Who pushes. */
export interface PushActor {
  user_id: string
  roles: readonly Role[]
}

export interface HookInput {
  args: Record<string, unknown>
  actor: PushActor
  ctx: MutationContext
  rows: Reader
  /** What `authority` selected; null without one. */
  authority: unknown
  writes: Write[]
}

export interface HookResult {
  /** More of the same statement. Each part must do nothing unless the CTE `ack` has a row. */
  parts?: Part[] | undefined
  /** Replaces the mutator's writes. */
  writes?: Write[] | undefined
  audit?: Partial<Pick<AuditEntry, 'object_type' | 'object_id' | 'params'>> | undefined
  /** After the commit, when the mutation was applied. */
  committed?: (() => void) | undefined
  /** When it was not: a duplicate, a refusal by the database, an error. */
  abandoned?: (() => void) | undefined
}

/**
 * What a mutation means on the server alone: hangs on the mutator's name, runs in the same transaction. `before`
 * throws a user error to refuse.
 */
export interface MutationHook {
  /** One jsonb expression, read together with the mutator's rows. */
  authority?: ((args: Record<string, unknown>, actor: PushActor) => { sql: string; values: unknown[] }) | undefined
  before?: ((input: HookInput) => HookResult | Promise<HookResult>) | undefined
}

export type MutationHooks = Readonly<Record<string, MutationHook>>
