import type { Part } from './statement.ts'

/** One line of the audit log, written in the transaction of what it records. */
export interface AuditEntry {
  actor_id: string | null
  action: string
  object_type?: string | undefined
  object_id?: string | undefined
  outcome?: 'done' | 'refused' | 'failed' | undefined
  /** Ids, names, codes; never content, never secrets. */
  params?: Record<string, unknown> | undefined
  request_id?: string | undefined
}

/** The entry as a part of a statement; `guard` is a CTE that must have a row for it to be written. */
export function auditPart(entry: AuditEntry, guard?: string): Part {
  const condition = guard ? ` where exists (select 1 from ${guard})` : ''
  return {
    name: 'audit',
    sql: `insert into audit_log (actor_id, action, object_type, object_id, outcome, params, request_id)
      select $1::uuid, $2::varchar, $3::varchar, $4::text, $5::varchar, $6::jsonb, $7::varchar${condition}`,
    values: [
      entry.actor_id,
      entry.action,
      entry.object_type ?? null,
      entry.object_id ?? null,
      entry.outcome ?? 'done',
      JSON.stringify(entry.params ?? {}),
      entry.request_id ?? null,
    ],
  }
}
