import type { Listing } from '../../shared/agent/rows.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

export interface AgentOwnership extends Record<string, unknown> {
  id: string
  developer_id: string
  status: string
  deleted_at: string | null
}

/** The agent's row, locked, so that submissions and decisions about one agent happen one after the other. */
export async function lockAgent(tx: Queryable, agent_id: string): Promise<AgentOwnership | undefined> {
  const [row] = await tx.query<AgentOwnership>(
    prepared('select id, developer_id, status, deleted_at from agents where id = $1 for update', [agent_id]),
  )
  return row
}

/** Whether the person develops this agent. */
export async function developsAgent(db: Queryable, user_id: string, agent_id: string): Promise<boolean> {
  const rows = await db.query(prepared('select 1 from agents where id = $1 and developer_id = $2', [agent_id, user_id]))
  return rows.length > 0
}

/** What the store shows of an agent. Undefined name and description stay as they are. */
export interface StoreListing {
  name: string | undefined
  description: string | undefined
  icon: string | undefined
  category_id: string | null | undefined
  tags: readonly string[]
  listing: Listing
  /** Words it is found by (shared/kernel/search-text.ts). */
  terms: readonly string[]
}

/** `listed`: the agent in the store, with this listing. */
export function listedPart(agent_id: string, shown: StoreListing): Part {
  return {
    name: 'listed',
    sql: `update agents set status = 'published', published_at = coalesce(published_at, now()), name = coalesce($2::varchar, name),
        description = coalesce($3::text, description), icon = $4::varchar,
        category_id = (select id from agent_categories where id = $5::uuid), tags = $6::text[], listing = $7::jsonb,
        search = array_to_tsvector($8::text[]), updated_at = now()
      where id = $1::uuid`,
    values: [
      agent_id,
      shown.name ?? null,
      shown.description ?? null,
      shown.icon ?? null,
      shown.category_id ?? null,
      shown.tags,
      JSON.stringify(shown.listing),
      shown.terms,
    ],
  }
}
