import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** What a run that has not ended is taken to cost, tokens: else any number of them could start before the first is counted. */
const RESERVED_PER_RUN = 2_000

/** SQL of the tokens a person has used today and reserved by runs that wait or work; `user` is a placeholder. */
export function tokensTodaySql(user: string): string {
  return `(coalesce((select tokens from token_usages where user_id = ${user}::uuid and day = current_date), 0)
    + ${RESERVED_PER_RUN} * (select count(*) from run_queue where user_id = ${user}::uuid))`
}

/** The same, asked for alone. */
export async function tokensToday(db: Queryable, user_id: string): Promise<number> {
  const [usage] = await db.query<{ tokens: number }>(prepared(`select ${tokensTodaySql('$1')} as tokens`, [user_id]))
  return Number(usage?.tokens ?? 0)
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
