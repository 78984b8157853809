import type { Database, Queryable } from '../../kernel/db.ts'
import { compose, prepared, type Part } from '../../kernel/statement.ts'
import { tokensTodaySql } from '../token-usage.repository.ts'

/** A call of a plain model that is about to be made. */
export interface ModelCall {
  id: string
  user_id: string
  /** What it is taken to cost until it ends. */
  tokens: number
}

export interface ModelCallLimits {
  /** Calls of one person at once. */
  calls: number
  /** Tokens of a person's day. */
  daily_tokens: number
  /** How long a call may last. */
  call_ms: number
}

/** What the person had under way before this call, and whether it was let in. */
export interface Admission {
  calls: number
  tokens: number
  admitted: boolean
}

/**
 * Lets a call in, within the limits, in all processes together: calls of one person are let in one after the other, so
 * that parallel ones see each other.
 */
export function admitModelCall(db: Database, call: ModelCall, limits: ModelCallLimits): Promise<Admission> {
  return db.transaction(async (tx) => {
    await tx.query(
      prepared(`select pg_advisory_xact_lock(hashtextextended('model_calls ' || $1::text, 0))`, [call.user_id]),
    )
    const [admission] = await tx.query<Admission & Record<string, unknown>>(
      prepared(
        `with today as (
           select ${tokensTodaySql('$2')}::bigint as tokens,
             (select count(*)::int from model_calls where user_id = $2::uuid and ends_at > now()) as calls
         ), admitted as (
           insert into model_calls (id, user_id, tokens, ends_at)
           select $1::uuid, $2::uuid, $3::int, now() + $6::int * interval '1 ms' from today
           where calls < $4::int and tokens < $5::bigint returning 1
         )
         select calls, tokens, exists (select from admitted) as admitted from today`,
        [call.id, call.user_id, call.tokens, limits.calls, limits.daily_tokens, limits.call_ms],
      ),
    )
    return admission ?? { calls: 0, tokens: 0, admitted: false }
  })
}

/** `over`: the call is no longer under way. */
export function callOverPart(call: Pick<ModelCall, 'id'>): Part {
  return { name: 'over', sql: 'delete from model_calls where id = $1::uuid', values: [call.id] }
}

/** Calls whose process is gone: what they were taken to cost becomes what they cost. */
export async function settleLostCalls(db: Queryable): Promise<void> {
  const parts: Part[] = [
    {
      name: 'lost',
      sql: `delete from model_calls where ends_at < now() - interval '1 minute' returning user_id, tokens, ends_at`,
      values: [],
    },
    {
      name: 'spent',
      sql: `insert into token_usages (user_id, day, tokens)
        select user_id, (ends_at at time zone 'utc')::date, sum(tokens) from lost group by 1, 2
        on conflict (user_id, day) do update set tokens = token_usages.tokens + excluded.tokens`,
      values: [],
    },
  ]
  await db.query(compose(parts, 'select 1'))
}
