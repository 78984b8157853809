import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** Tokens that a person has used on the platform's key today (UTC). */
export async function tokensToday(db: Queryable, user_id: string): Promise<number> {
  const [usage] = await db.query<{ tokens: number }>(
    prepared('select tokens from token_usages where user_id = $1 and day = current_date', [user_id]),
  )
  return usage?.tokens ?? 0
}

/** `spent`: tokens added to the person's day. */
export function spentPart(user_id: string, tokens: number): Part {
  return {
    name: 'spent',
    sql: `insert into token_usages (user_id, day, tokens) values ($1::uuid, current_date, $2::bigint)
      on conflict (user_id, day) do update set tokens = token_usages.tokens + excluded.tokens`,
    values: [user_id, tokens],
  }
}
