import type { RunnableVersion } from '../../agent/index.ts'
import type { Queryable } from '../../kernel/db.ts'
import { prepared } from '../../kernel/statement.ts'
import { tokensTodaySql } from '../token-usage.repository.ts'

/** A published agent as an entry of `/v1/models`; `created` in seconds since the epoch. */
export interface AgentModel extends Record<string, unknown> {
  slug: string
  created: number
  owner: string
}

/** Published agents, the most installed first; at most 1,000. */
export function agentModels(db: Queryable): Promise<AgentModel[]> {
  return db.query<AgentModel>(
    prepared(
      `select a.slug, extract(epoch from a.published_at)::int as created, u.name as owner
       from agents a join users u on u.id = a.developer_id
       where a.status = 'published' and a.deleted_at is null order by a.download_count desc, a.id limit 1000`,
      [],
    ),
  )
}

/** The current version of a published agent, and how many tokens the caller has used today. */
export interface CallableAgent extends RunnableVersion, Record<string, unknown> {
  agent_id: string
  tokens: number | null
}

export async function agentBySlug(db: Queryable, slug: string, user_id: string): Promise<CallableAgent | undefined> {
  const [agent] = await db.query<CallableAgent>(
    prepared(
      `select v.id, v.kind, v.created_by, a.developer_id, agent_version_state(v.id) as state, a.status as agent_status,
         a.id as agent_id, ${tokensTodaySql('$2')} as tokens
       from agents a join agent_versions v on v.agent_id = a.id and v.is_current
       where a.slug = $1 and a.status = 'published' and a.deleted_at is null`,
      [slug, user_id],
    ),
  )
  return agent
}
