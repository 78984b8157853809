import type { AgentInstallRow } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose } from '../kernel/statement.ts'

/**
 * Installs the agent's current version for the person, or moves an install to it. The row carries all that their
 * replica learns of the agent: name, icon, manifest, version id; no prompt, no definition.
 */
export async function installAgent(db: Database, actor: Actor, agent_id: string): Promise<AgentInstallRow> {
  const [row] = await db.query<AgentInstallRow & Record<string, unknown>>(
    compose(
      [
        {
          name: 'current',
          sql: `select a.id as agent_id, v.id as version_id, v.version, a.name, a.icon, v.manifest,
              not exists (select 1 from agent_installs i where i.agent_id = a.id and i.user_id = $2::uuid) as is_new
            from agents a join agent_versions v on v.agent_id = a.id and v.is_current
            where a.id = $1::uuid and a.status = 'published' and a.deleted_at is null`,
          values: [agent_id, actor.user_id],
        },
        {
          name: 'install',
          sql: `insert into agent_installs (id, user_id, agent_id, agent_version_id, version, name, icon, manifest)
            select $1::uuid, $2::uuid, agent_id, version_id, version, name, icon, manifest from current
            on conflict (user_id, agent_id) do update set agent_version_id = excluded.agent_version_id, version = excluded.version,
              name = excluded.name, icon = excluded.icon, manifest = excluded.manifest, removed_at = null, updated_at = now()
            returning *`,
          values: [newId(), actor.user_id],
        },
        {
          name: 'counted',
          sql: 'update agents a set download_count = download_count + 1 from current where a.id = current.agent_id and current.is_new and $1::boolean',
          values: [true],
        },
        auditPart(
          { actor_id: actor.user_id, action: 'store.install', object_type: 'agent', object_id: agent_id },
          'install',
        ),
      ],
      'select * from install',
    ),
  )
  if (!row) throw userError('store/not-published')
  return row
}

/** One rating a person and agent, after use; the agent's average follows in the same transaction. */
export async function rateAgent(
  db: Database,
  actor: Actor,
  agent_id: string,
  rating: { score: number; comment?: string | undefined },
): Promise<{ average_rating: number | null; rating_count: number }> {
  return db.transaction(async (tx) => {
    const [agent] = await tx.query<{ developer_id: string; used: boolean }>(
      `select developer_id, exists (select 1 from agent_usages where agent_id = a.id and user_id = $2) as used
       from agents a where id = $1 and status = 'published' and deleted_at is null for update`,
      [agent_id, actor.user_id],
    )
    if (!agent) throw userError('store/not-published')
    if (!agent.used || agent.developer_id === actor.user_id) throw userError('store/rate-after-use')
    await tx.query(
      compose(
        [
          {
            name: 'rating',
            sql: `insert into agent_ratings (id, user_id, agent_id, score, comment) values ($1::uuid, $2::uuid, $3::uuid, $4::int, $5::text)
              on conflict (user_id, agent_id) do update set score = excluded.score, comment = excluded.comment, updated_at = now()`,
            values: [newId(), actor.user_id, agent_id, rating.score, rating.comment?.trim() || null],
          },
          auditPart({
            actor_id: actor.user_id,
            action: 'store.rate',
            object_type: 'agent',
            object_id: agent_id,
            params: { score: rating.score },
          }),
        ],
        'select 1',
      ),
    )
    const [row] = await tx.query<{ average_rating: number | null; rating_count: number }>(
      `update agents set (average_rating, rating_count) =
         (select round(avg(score), 2), count(*)::int from agent_ratings where agent_id = $1)
       where id = $1 returning average_rating, rating_count`,
      [agent_id],
    )
    return row ?? { average_rating: null, rating_count: 0 }
  })
}
