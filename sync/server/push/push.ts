import { mayDo } from '../../../shared/identity/permissions.ts'
import { AppError, operationalError, toAppError, userError, type ErrorCode } from '../../../shared/kernel/errors.ts'
import { clampHlc } from '../../../shared/kernel/hlc.ts'
import { isId } from '../../../shared/kernel/id.ts'
import { currentArgs, type MutationContext, type Mutator, type Write } from '../../../shared/kernel/mutator.ts'
import { auditPart } from '../../../server/kernel/audit-log.ts'
import { sqlState, type Database, type Queryable } from '../../../server/kernel/db.ts'
import { compose, prepared, type Part } from '../../../server/kernel/statement.ts'
import { isShallow, trimmedIssueOf } from '../../../server/kernel/validate.ts'
import type { Mutation, MutationResult, PushBody, PushReply } from '../../protocol/push.ts'
import type { Spoken } from '../../protocol/version.ts'
import { requireProtocol } from '../require-protocol.ts'
import type { HookResult, MutationHooks, PushActor } from './mutation-hook.ts'
import { readResult, readStatement } from './read-rows.ts'
import { writeParts } from './write-parts.ts'

/** Arguments may be nested this deep: far deeper than any workflow, far from what a stack holds. */
const MOST_LEVELS = 100

export interface PushDeps {
  db: Database
  mutators: Readonly<Record<string, Mutator>>
  hooks: MutationHooks
  now?: () => number
  /** Versions that this server speaks. */
  spoken?: Spoken | undefined
}

/**
 * Takes in a device's mutations, in order, each exactly once: ledger, rows, effects and audit of a mutation are one
 * statement, guarded by the device's ack. A refused mutation is recorded and acked as well, so that the device moves
 * on. Trouble with the database fails the whole push; the device repeats it.
 */
export async function push(deps: PushDeps, actor: PushActor, body: PushBody): Promise<PushReply> {
  requireProtocol(body.protocol, deps.spoken)
  if (!isId(body.device_id)) throw userError('request/invalid', { part: 'body', path: '/device_id' })
  const results: MutationResult[] = []
  for (const mutation of body.mutations) {
    if (!isId(mutation.id)) throw userError('request/invalid', { part: 'body', path: '/mutations/id' })
    results.push(await applyWithRetry(deps, actor, body.device_id, mutation))
  }
  return { results, now: deps.now?.() ?? Date.now() }
}

/** Serialisation failures and deadlocks are nobody's fault: again. */
async function applyWithRetry(
  deps: PushDeps,
  actor: PushActor,
  device_id: string,
  mutation: Mutation,
): Promise<MutationResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyMutation(deps, actor, device_id, mutation)
    } catch (error) {
      const state = sqlState(error)
      if (attempt >= 5 || (state !== '40001' && state !== '40P01')) throw error
    }
  }
}

async function applyMutation(
  deps: PushDeps,
  actor: PushActor,
  device_id: string,
  mutation: Mutation,
): Promise<MutationResult> {
  const now = deps.now?.() ?? Date.now()
  let prepared: Prepared
  try {
    prepared = prepareMutation(deps, actor, mutation, now)
  } catch (error) {
    return reject({ deps, actor, device_id, mutation }, toAppError(error))
  }
  const { mutator, ctx, args } = prepared
  const target = { deps, actor, device_id, mutation: { ...mutation, args } }
  const hooked: Hooked = { effects: undefined }
  let result: MutationResult
  try {
    result = mutator.locks
      ? await deps.db.transaction((tx) => readAndWrite(target, mutator, ctx, tx, hooked))
      : await readAndWrite(target, mutator, ctx, deps.db, hooked)
  } catch (error) {
    hooked.effects?.abandoned?.()
    const refusal = asRefusal(error)
    if (refusal === undefined) throw error
    return reject(target, refusal)
  }
  // Only here it is certain: a transaction may still fail at its commit.
  if (result.status === 'applied') hooked.effects?.committed?.()
  else hooked.effects?.abandoned?.()
  return result
}

/** What the mutation's hook wants to be told, once it has said so. */
interface Hooked {
  effects: HookResult | undefined
}

interface Target {
  deps: PushDeps
  actor: PushActor
  device_id: string
  mutation: Mutation
}

interface Prepared {
  mutator: Mutator
  ctx: MutationContext
  /** Today's form of the mutation's arguments. */
  args: Record<string, unknown>
}

function prepareMutation(deps: PushDeps, actor: PushActor, mutation: Mutation, now: number): Prepared {
  const mutator = Object.hasOwn(deps.mutators, mutation.name) ? deps.mutators[mutation.name] : undefined
  if (!mutator) throw userError('sync/unknown-mutation', { name: mutation.name })
  // A refusal would be for ever; this waits for the server that the mutation was written for.
  if (mutation.version > mutator.version) throw operationalError('sync/server-too-old', { name: mutation.name })
  if (!mayDo(actor.roles, mutator.permission)) throw userError('auth/forbidden', { permission: mutator.permission })
  if (!isShallow(mutation.args, MOST_LEVELS)) throw userError('row/invalid', { reason: 'nested too deeply' })
  const args = currentArgs(mutator, mutation)
  const issue = trimmedIssueOf(mutator.args, args)
  if (issue) throw userError('row/invalid', { path: issue.path, reason: issue.message })
  const hlc = clampHlc(mutation.hlc, now)
  if (hlc === undefined) throw userError('row/invalid', { path: '/hlc' })
  const acted = Date.parse(mutation.created_at)
  const time = Number.isFinite(acted) ? Math.min(acted, now) : now
  const ctx: MutationContext = {
    user_id: actor.user_id,
    now: new Date(time).toISOString(),
    hlc,
    mutation_id: mutation.id,
  }
  return { mutator, ctx, args }
}

async function readAndWrite(
  target: Target,
  mutator: Mutator,
  ctx: MutationContext,
  on: Queryable,
  hooked: Hooked,
): Promise<MutationResult> {
  const { deps, actor, device_id, mutation } = target
  const hook = Object.hasOwn(deps.hooks, mutation.name) ? deps.hooks[mutation.name] : undefined
  const keys = mutator.reads(mutation.args, ctx)
  const [row] = await on.query(
    readStatement({
      device_id,
      user_id: actor.user_id,
      mutation_id: mutation.id,
      keys,
      authority: hook?.authority?.(mutation.args, actor),
      lock: mutator.locks,
    }),
  )
  const read = readResult(keys, row)
  if (read.ack && read.ack.user_id !== actor.user_id) throw userError('sync/device-of-another-user')
  if (read.ack && mutation.seq <= read.ack.last_seq) return earlierResult(on, mutation)
  if (read.decided) {
    // Queued twice on the device, under two places: decided once. The device still has to be told up to where.
    await on.query(compose([ackPart(device_id, actor.user_id, mutation.seq)], 'select 1'))
    return earlierResult(on, mutation)
  }

  const written = mutator.run(mutation.args, read.reader, ctx)
  const { args } = mutation
  const { reader: rows, authority } = read
  const effects = await hook?.before?.({ args, actor, ctx, rows, authority, writes: written })
  hooked.effects = effects
  return write(target, on, effects?.writes ?? written, effects)
}

/** The whole mutation as one statement. */
async function write(
  target: Target,
  on: Queryable,
  writes: readonly Write[],
  effects: HookResult | undefined,
): Promise<MutationResult> {
  const { actor, device_id, mutation } = target
  const audit = {
    actor_id: actor.user_id,
    action: mutation.name,
    ...auditObject(mutation.args),
    ...effects?.audit,
  }
  const parts = [
    ackPart(device_id, actor.user_id, mutation.seq),
    ledgerPart(target, 'applied', null),
    ...writeParts(writes, actor.user_id),
    ...(effects?.parts ?? []),
    auditPart(audit, 'ack'),
  ]
  const [result] = await on.query<{ applied: boolean }>(compose(parts, APPLIED))
  return result?.applied === true ? { id: mutation.id, status: 'applied' } : earlierResult(on, mutation)
}

/** Whether the ack let the mutation through. */
const APPLIED = 'select exists (select 1 from ack) as applied'

/**
 * The device's row: the one gate of a mutation. Parallel pushes of one mutation queue up on it, and the second finds
 * `last_seq` already there.
 */
function ackPart(device_id: string, user_id: string, seq: number): Part {
  return {
    name: 'ack',
    sql: `insert into acks (device_id, user_id, last_seq) values ($1::uuid, $2::uuid, $3::bigint)
      on conflict (device_id) do update set last_seq = excluded.last_seq, updated_at = now()
      where acks.last_seq < excluded.last_seq and acks.user_id = excluded.user_id
      returning 1`,
    values: [device_id, user_id, seq],
  }
}

function ledgerPart({ mutation, device_id, actor }: Target, status: 'applied' | 'rejected', error: unknown): Part {
  return {
    name: 'ledger',
    sql: `insert into mutation_ledger (mutation_id, device_id, seq, user_id, name, status, error)
      select $1::uuid, $2::uuid, $3::bigint, $4::uuid, $5::varchar, $6::varchar, $7::jsonb where exists (select 1 from ack)`,
    values: [
      mutation.id,
      device_id,
      mutation.seq,
      actor.user_id,
      mutation.name,
      status,
      error === null ? null : JSON.stringify(error),
    ],
  }
}

async function reject(target: Target, error: AppError): Promise<MutationResult> {
  const { deps, actor, device_id, mutation } = target
  if (error.kind !== 'user') throw error
  const value = { code: error.code, params: error.params }
  const parts = [
    ackPart(device_id, actor.user_id, mutation.seq),
    ledgerPart(target, 'rejected', value),
    auditPart({
      actor_id: actor.user_id,
      action: mutation.name.slice(0, 64),
      ...auditObject(mutation.args),
      outcome: 'refused',
      params: { code: error.code },
    }),
  ]
  if (error.code === 'sync/device-of-another-user') {
    // Nothing of the other person's device may move: only the refusal is written.
    await deps.db.query(compose(parts.slice(2), 'select 1'))
    throw error
  }
  try {
    const [result] = await deps.db.query<{ applied: boolean }>(compose(parts, APPLIED))
    if (result?.applied !== true) return earlierResult(deps.db, mutation)
  } catch (failure) {
    // The mutation id or (device, seq) is in the ledger already under another device or id.
    if (sqlState(failure) !== '23505') throw failure
  }
  return { id: mutation.id, status: 'rejected', error: value }
}

async function earlierResult(on: Queryable, mutation: Mutation): Promise<MutationResult> {
  const [entry] = await on.query<{ status: string; error: { code: string; params?: Record<string, unknown> } | null }>(
    prepared('select status, error from mutation_ledger where mutation_id = $1', [mutation.id]),
  )
  if (entry?.status === 'rejected' && entry.error) return { id: mutation.id, status: 'duplicate', error: entry.error }
  return { id: mutation.id, status: 'duplicate' }
}

/** Constraint of the schema → what the person did. Anything else is ours, and fails the push. */
const REFUSALS: Readonly<Record<string, ErrorCode>> = {
  '23505': 'row/exists',
  '23503': 'row/not-found',
  '23502': 'row/invalid',
  '23514': 'row/invalid',
  '22001': 'row/too-large',
  '22003': 'row/invalid',
  '22P02': 'row/invalid',
  '22P05': 'row/invalid',
  '22021': 'row/invalid',
  '22007': 'row/invalid',
  '22008': 'row/invalid',
}

function asRefusal(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error.kind === 'user' ? error : undefined
  const code = REFUSALS[sqlState(error) ?? '']
  return code && userError(code)
}

/** Which thing a mutation is about, for the audit log. */
function auditObject(args: Record<string, unknown>): { object_type?: string; object_id?: string } {
  for (const [name, type] of [
    ['user_message_id', 'chat_message'],
    ['execution_id', 'workflow_execution'],
    ['chat_id', 'chat'],
    ['agent_id', 'agent'],
    ['id', 'row'],
    ['key', 'preference'],
  ] as const) {
    const value = args[name]
    if (typeof value === 'string') return { object_type: type, object_id: value.slice(0, 64) }
  }
  return {}
}
