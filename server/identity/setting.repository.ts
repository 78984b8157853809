import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** What administrators have set, by key. */
export async function storedSettings(db: Queryable): Promise<Map<string, unknown>> {
  const rows = await db.query<{ key: string; value: unknown }>(prepared('select key, value from settings', []))
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/** `changed`: one row a key of `changes`. */
export function changedSettingsPart(changes: Record<string, unknown>, user_id: string): Part {
  return {
    name: 'changed',
    sql: `insert into settings (key, value, updated_by)
      select key, value, $2::uuid from jsonb_each($1::jsonb)
      on conflict (key) do update set value = excluded.value, updated_by = excluded.updated_by, updated_at = now()
      returning key`,
    values: [JSON.stringify(changes), user_id],
  }
}
