import type { Part } from '../kernel/statement.ts'

/** What an answer that has not ended is taken to cost, tokens: else any number could start before the first is counted. */
export const RESERVED_TOKENS = 2_000

/**
 * SQL of the tokens a person has used today and reserved by runs that wait or work and by calls of plain models; `user`
 * is a placeholder.
 */
export function tokensTodaySql(user: string): string {
  return `(coalesce((select tokens from token_usages where user_id = ${user}::uuid and day = current_date), 0)
    + ${RESERVED_TOKENS} * (select count(*) from run_queue where user_id = ${user}::uuid)
    + (select coalesce(sum(tokens), 0) from model_calls where user_id = ${user}::uuid))`
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
