import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'
import type { HistoryMessage, RunInput, RunOutcome, RunVersion } from '../workflow/index.ts'

/** Tokens of earlier messages that a run sees when its agent does not say. */
const CONTEXT_TOKENS = 8_000
/** No run looks further back than this many messages, whatever their size. */
const CONTEXT_MESSAGES = 400

/**
 * Question and ancestors for each execution. A token is taken as three bytes of UTF-8: one Chinese character, or
 * three Latin ones, a little above what tokenizers make of either. The walk up the tree stops at the budget, so its
 * cost does not grow with the length of the chat; of the message that goes beyond it, the end is kept, from where a
 * conversation goes on. LATERAL keeps each walk on the primary key whatever the planner believes about the size of the
 * table.
 */
const INPUTS = `
  select e.execution_id, e.chat_id, e.user_id, e.hidden, e.agent_version_id, e.message_id,
    e.answer_message_id, q.content as text,
    coalesce(h.history, '[]') as history
  from unnest($1::uuid[]) as wanted (id)
  join workflow_executions e on e.execution_id = wanted.id
  join agent_versions v on v.id = e.agent_version_id
  join chat_messages q on q.id = e.message_id
  left join lateral (
    with recursive budget as (
      select coalesce((v.model_params_override ->> 'context_tokens')::int, ${CONTEXT_TOKENS}) as tokens
    ), up as (
      select m.id, m.parent_message_id, m.role, m.content, m.status, 1 as depth, octet_length(m.content) / 3 as size
        from chat_messages m where m.id = q.parent_message_id
      union all
      select m.id, m.parent_message_id, m.role, m.content, m.status, up.depth + 1, up.size + octet_length(m.content) / 3
        from up, lateral (select * from chat_messages where id = up.parent_message_id) m
        where up.depth < ${CONTEXT_MESSAGES} and up.size < (select tokens from budget)
    )
    select jsonb_agg(jsonb_build_object('id', id, 'role', role, 'content', case when size <= tokens then content
      else '…' || right(content, ((tokens - size + octet_length(content) / 3)::bigint * 3 * length(content)
        / octet_length(content))::int) end) order by depth desc) as history
    from up, budget where status in ('sent', 'failed') and content <> ''
  ) h on true`

/** What runs begin with; executions whose chat or message is gone are missing from the answer. */
export function runInputs(db: Queryable, execution_ids: readonly string[]): Promise<RunInput[]> {
  return db.query<RunInput & { history: HistoryMessage[] } & Record<string, unknown>>(
    prepared(INPUTS, [[...execution_ids]]),
  )
}

export async function runVersion(db: Queryable, agent_version_id: string): Promise<RunVersion | undefined> {
  const [version] = await db.query<RunVersion & Record<string, unknown>>(
    prepared(
      `select id as agent_version_id, workflow_definition, system_prompt, model_params_override as model_params
       from agent_versions where id = $1`,
      [agent_version_id],
    ),
  )
  return version
}

/** `chat_answer`: the answer's one and last update, if the CTE `ended` has a row and nobody deleted the message. */
export function answerPart(outcome: RunOutcome): Part {
  return {
    name: 'chat_answer',
    sql: `update chat_messages m set content = $2::text, status = $3::varchar, workflow_status = $4::varchar,
        metadata = m.metadata || $5::jsonb, updated_at = now()
      from ended where m.id = $1::uuid and m.user_id = ended.user_id and m.status <> 'deleted'`,
    values: [
      outcome.answer_message_id,
      outcome.text,
      outcome.status === 'failed' ? 'failed' : 'sent',
      outcome.status,
      JSON.stringify(outcome.metadata),
    ],
  }
}
