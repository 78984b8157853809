import type { Database } from '../../kernel/db.ts'
import { prepared } from '../../kernel/statement.ts'
import type { ConversationPort, RunInput, RunVersion } from '../ports.ts'

/** A conversation on the chat tables, for tests of the worker. */
export function tableConversation(db: Database): ConversationPort {
  return {
    load: (execution_ids) => db.query<RunInput & Record<string, unknown>>(prepared(LOAD, [execution_ids])),
    async version(agent_version_id) {
      const [version] = await db.query<RunVersion & Record<string, unknown>>(
        prepared(
          `select id as agent_version_id, workflow_definition, system_prompt, model_params_override as model_params
            from agent_versions where id = $1`,
          [agent_version_id],
        ),
      )
      return version
    },
    finish: (outcome) => [
      {
        name: 'chat_answer',
        sql: `update chat_messages m set content = $2::text, status = $3::varchar, workflow_status = $4::varchar,
            metadata = $5::jsonb, updated_at = now()
          from ended where m.id = $1`,
        values: [
          outcome.answer_message_id,
          outcome.text,
          outcome.status === 'failed' ? 'failed' : 'sent',
          outcome.status,
          JSON.stringify(outcome.metadata),
        ],
      },
    ],
  }
}

/**
 * The runs and their histories. Each look-up is a lateral subquery with `limit 1`, which the planner cannot turn into a
 * join: as a join, the generic plan walked the histories of all executions of the version (330 ms instead of 0.4).
 * Three bytes a token for the history's budget: one Chinese character, and less than one English token.
 */
const LOAD = `
select x.*, m.text, h.history
from unnest($1::uuid[]) as wanted (execution_id)
cross join lateral (
  select e.execution_id, e.chat_id, e.user_id, e.hidden, e.agent_version_id, e.message_id, e.answer_message_id
  from workflow_executions e where e.execution_id = wanted.execution_id limit 1
) x
cross join lateral (
  select q.content as text, q.parent_message_id from chat_messages q where q.id = x.message_id limit 1
) m
cross join lateral (
  select coalesce((v.model_params_override ->> 'context_tokens')::int, 8000) * 3 as bytes
  from agent_versions v where v.id = x.agent_version_id limit 1
) budget
cross join lateral (
  with recursive up as (
    select 0 as depth, 0 as bytes, m.parent_message_id, null::uuid as id, null::varchar as role, '' as content, false as told
    union all
    select up.depth + 1, up.bytes + octet_length(p.content), p.parent_message_id, p.id, p.role, p.content,
      p.content <> '' and p.status <> 'deleted' and not p.is_intermediate
    from up cross join lateral (select * from chat_messages c where c.id = up.parent_message_id limit 1) p
    where up.bytes < budget.bytes and up.depth < 1000
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', up.id, 'role', up.role, 'content', up.content) order by up.depth desc)
    filter (where up.told and up.bytes <= budget.bytes), '[]') as history
  from up
) h`
