import { mayDo } from '../../../shared/identity/permissions.ts'
import { userError } from '../../../shared/kernel/errors.ts'
import { newId } from '../../../shared/kernel/id.ts'
import { mayRun, type RunnableVersion } from '../../agent/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose, prepared } from '../../kernel/statement.ts'
import type { Worker } from '../../workflow/index.ts'

export interface ApiRun {
  execution_id: string
  answer_message_id: string
  chat_id: string
  /** Begins the run. Call it when somebody listens. */
  begin: () => void
}

interface Target extends RunnableVersion, Record<string, unknown> {
  agent_id: string
}

/**
 * Runs a published agent for an API caller: the given messages become a hidden chat that expires after a day, and its
 * last question a real execution with everything that belongs to one.
 */
export async function startApiRun(
  deps: { db: Database; worker: Worker; dailyTokens: () => Promise<number> },
  actor: Actor,
  slug: string,
  messages: readonly { role: 'system' | 'user' | 'assistant'; content: string }[],
): Promise<ApiRun> {
  if (!mayDo(actor.roles, 'chat:write')) throw userError('auth/forbidden', { permission: 'chat:write' })
  const [found] = await deps.db.query<Target & { tokens: number | null }>(
    prepared(
      `select v.id, v.kind, v.created_by, a.developer_id, agent_version_state(v.id) as state, a.status as agent_status,
         a.id as agent_id, (select tokens from token_usages where user_id = $2 and day = current_date) as tokens
       from agents a join agent_versions v on v.agent_id = a.id and v.is_current
       where a.slug = $1 and a.status = 'published' and a.deleted_at is null`,
      [slug, actor.user_id],
    ),
  )
  if (!found) throw userError('model/not-found', { model: `agent/${slug}` }, `the model agent/${slug} does not exist`)
  const request = { user_id: actor.user_id, roles: actor.roles, source: 'api', new_chat: true } as const
  if (!mayRun(found, request)) throw userError('agent/not-runnable', { agent_id: found.agent_id })
  const limit = await deps.dailyTokens()
  if ((found.tokens ?? 0) >= limit)
    throw userError('run/quota', { limit }, `the daily limit of ${limit} tokens is used up`)

  const rows = chainOf(messages)
  const question = rows.at(-1)
  if (!question || question.role !== 'user')
    throw userError('request/invalid', { path: '/messages' }, 'the last message must be from the user')
  const ids = { chat_id: newId(), answer_message_id: newId(), execution_id: newId() }
  const lease = deps.worker.reserve(actor.user_id)
  try {
    await deps.db.query(
      compose(
        [
          {
            name: 'chat',
            sql: `insert into chats (id, user_id, agent_id, agent_version_id, title, source, expires_at)
              values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, 'API', 'api', now() + interval '1 day')`,
            values: [ids.chat_id, actor.user_id, found.agent_id, found.id],
          },
          {
            name: 'messages',
            sql: `insert into chat_messages (id, chat_id, parent_message_id, role, content, user_id)
              select id, $2::uuid, parent_message_id, role, content, $3::uuid
              from jsonb_to_recordset($1::jsonb) as r(id uuid, parent_message_id uuid, role text, content text)`,
            values: [JSON.stringify(rows), ids.chat_id, actor.user_id],
          },
          {
            name: 'answer',
            sql: `insert into chat_messages (id, chat_id, parent_message_id, role, status, workflow_execution_id, workflow_status, user_id)
              values ($1::uuid, $2::uuid, $3::uuid, 'assistant', 'sending', $4::uuid, 'running', $5::uuid)`,
            values: [ids.answer_message_id, ids.chat_id, question.id, ids.execution_id, actor.user_id],
          },
          {
            name: 'execution',
            sql: `insert into workflow_executions (execution_id, chat_id, message_id, answer_message_id, agent_version_id, thread_id,
                status, user_id, attempt, started_at)
              values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::varchar, $7::varchar, $8::uuid, $9::int, now())`,
            values: [
              ids.execution_id,
              ids.chat_id,
              question.id,
              ids.answer_message_id,
              found.id,
              `chat_${ids.chat_id}:${ids.execution_id}`,
              lease ? 'running' : 'queued',
              actor.user_id,
              lease ? 1 : 0,
            ],
          },
          {
            name: 'queued',
            sql: `insert into run_queue (execution_id, user_id, lease_owner, lease_until, attempt)
              values ($1::uuid, $2::uuid, $3::varchar, now() + $4::int * interval '1 millisecond', $5::int)`,
            values: [ids.execution_id, actor.user_id, lease?.owner ?? null, lease?.lease_ms ?? null, lease ? 1 : 0],
          },
          {
            name: 'usage',
            sql: `insert into agent_usages (id, user_id, agent_id) values ($1::uuid, $2::uuid, $3::uuid)
              on conflict (user_id, agent_id) do update set usage_count = agent_usages.usage_count + 1, last_used_at = now()`,
            values: [ids.execution_id, actor.user_id, found.agent_id],
          },
          auditPart({
            actor_id: actor.user_id,
            action: 'api.chat',
            object_type: 'workflow_execution',
            object_id: ids.execution_id,
            params: { agent_id: found.agent_id, version_id: found.id },
          }),
        ],
        'select 1',
      ),
    )
  } catch (error) {
    if (lease) deps.worker.release(lease)
    throw error
  }
  return {
    ...ids,
    begin: () => {
      if (lease) deps.worker.started(lease, ids.execution_id)
      else deps.worker.wake()
    },
  }
}

/** Messages as a chain of the tree; a caller's system messages go in front of the next user message. */
function chainOf(messages: readonly { role: 'system' | 'user' | 'assistant'; content: string }[]) {
  const rows: { id: string; parent_message_id: string | null; role: 'user' | 'assistant'; content: string }[] = []
  let instructions = ''
  for (const message of messages) {
    if (message.role === 'system') {
      instructions += `${message.content}\n\n`
      continue
    }
    const content = message.role === 'user' ? instructions + message.content : message.content
    if (message.role === 'user') instructions = ''
    rows.push({ id: newId(), parent_message_id: rows.at(-1)?.id ?? null, role: message.role, content })
  }
  return rows
}
