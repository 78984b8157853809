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

/** Bytes a token, for the history's budget: three are one Chinese character, and less than one English token. */
const LOAD = `
select x.execution_id, x.chat_id, x.user_id, x.agent_version_id, x.message_id, x.answer_message_id, m.content as text, h.history
from unnest($1::uuid[]) as wanted (execution_id)
join workflow_executions x on x.execution_id = wanted.execution_id
join chat_messages m on m.id = x.message_id
join agent_versions v on v.id = x.agent_version_id
cross join lateral (select coalesce((v.model_params_override ->> 'context_tokens')::int, 8000) * 3 as bytes) budget
cross join lateral (
  with recursive up as (
    select p.id, p.parent_message_id, p.role, p.content, p.status, p.is_intermediate, 1 as depth, octet_length(p.content) as bytes
    from chat_messages p where p.id = m.parent_message_id
    union all
    select p.id, p.parent_message_id, p.role, p.content, p.status, p.is_intermediate, up.depth + 1, up.bytes + octet_length(p.content)
    from up join chat_messages p on p.id = up.parent_message_id
    where up.bytes < budget.bytes and up.depth < 1000
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', up.id, 'role', up.role, 'content', up.content) order by up.depth desc)
    filter (where up.content <> '' and up.status <> 'deleted' and not up.is_intermediate and up.bytes <= budget.bytes), '[]') as history
  from up
) h`
