import { Type, type Static } from 'typebox'
import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import { AppError } from '../../shared/kernel/errors.ts'
import { nullable, oneOf, uuid } from '../../shared/kernel/shapes.ts'
import type { Part } from '../kernel/statement.ts'
import { issueOf } from '../kernel/validate.ts'
import type { Lease } from '../workflow/index.ts'
import { tokensTodaySql } from './token-usage.repository.ts'

/** What must be known before a run of a chat may start; arguments are what a mutation gave, possibly nothing. */
export interface RunAuthorityKeys {
  user_id: string
  chat_id: unknown
  parent_message_id: unknown
  /** Of a chat that does not exist yet. */
  agent_id: unknown
  agent_version_id: unknown
  source: string | null
}

/** Version, draft, tokens of the day and the run to wait for, as one jsonb: `readRunAuthority` reads it. */
export function runAuthority(keys: RunAuthorityKeys): { sql: string; values: unknown[] } {
  return {
    sql: `select jsonb_build_object(
      'version', (
        select jsonb_build_object('id', v.id, 'kind', v.kind, 'created_by', v.created_by, 'developer_id', a.developer_id,
          'state', agent_version_state(v.id), 'agent_status', a.status, 'agent_id', a.id)
        from agent_versions v join agents a on a.id = v.agent_id
        where v.id = coalesce((select agent_version_id from chats where id = $1::uuid and user_id = $2::uuid), $4::uuid)),
      'draft', (
        select to_jsonb(d) from agent_drafts d
        where d.user_id = $2::uuid and d.deleted_at is null
          and d.agent_id = coalesce((select agent_id from chats where id = $1::uuid and user_id = $2::uuid), $3::uuid)
          and coalesce((select source from chats where id = $1::uuid and user_id = $2::uuid), $6::text) = 'draft'),
      'tokens', ${tokensTodaySql('$2')},
      'blocked_by', (
        select q.execution_id from chat_messages m join run_queue q on q.execution_id = m.workflow_execution_id
        where m.id = $5::uuid and m.user_id = $2::uuid and m.status = 'sending'))`,
    values: [keys.chat_id, keys.user_id, keys.agent_id, keys.agent_version_id, keys.parent_message_id, keys.source],
  }
}

const authority = Type.Object({
  version: nullable(
    Type.Object({
      id: uuid,
      kind: oneOf(['draft', 'release']),
      created_by: nullable(uuid),
      developer_id: uuid,
      state: nullable(Type.String()),
      agent_status: Type.String(),
      agent_id: uuid,
    }),
  ),
  draft: nullable(Type.Object({ id: uuid, agent_id: uuid })),
  tokens: nullable(Type.Number()),
  blocked_by: nullable(uuid),
})

export type RunAuthority = Omit<Static<typeof authority>, 'draft'> & { draft: AgentDraftRow | null }

/** Reads what `runAuthority` selected. */
export function readRunAuthority(value: unknown): RunAuthority {
  const issue = issueOf(authority, value)
  if (issue) throw new AppError('bug', 'server/bug', {}, `run authority ${issue.path}: ${issue.message}`)
  // Checked just now; the draft is a whole row, whose columns the drift test holds to the type.
  return value as RunAuthority
}

/** A run about to be queued. With a lease it begins in this process as soon as its rows are there. */
export interface NewRun {
  execution_id: string
  chat_id: string
  agent_id: string
  version_id: string
  user_id: string
  question_id: string
  answer_message_id: string
  lease: Lease | undefined
  /** The run it waits for. */
  blocked_by: string | null
  /** It belongs to a hidden chat, and shows on no device. */
  hidden: boolean
}

/** `execution`: the record of a run. Here and below: with `guard`, the name of a CTE, only if that has a row. */
export function executionPart(run: NewRun, guard?: string): Part {
  return {
    name: 'execution',
    sql: `insert into workflow_executions (execution_id, chat_id, message_id, answer_message_id, agent_version_id, thread_id,
        status, user_id, attempt, hidden, started_at)
      select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::varchar, $7::varchar, $8::uuid, $9::int, $10::boolean,
        case when $7::varchar = 'running' then now() end ${onlyIf(guard)}`,
    values: [
      run.execution_id,
      run.chat_id,
      run.question_id,
      run.answer_message_id,
      run.version_id,
      `chat_${run.chat_id}:${run.execution_id}`,
      run.lease ? 'running' : 'queued',
      run.user_id,
      run.lease ? 1 : 0,
      run.hidden,
    ],
  }
}

/** `queued`: the run's row in the queue, leased already if there is a lease. */
export function queuedPart(run: NewRun, guard?: string): Part {
  return {
    name: 'queued',
    sql: `insert into run_queue (execution_id, user_id, lease_owner, lease_until, leased_at, attempt, blocked_by)
      select $1::uuid, $2::uuid, $3::varchar, now() + $4::int * interval '1 millisecond',
        case when $3::varchar is not null then now() end, $5::int, $6::uuid ${onlyIf(guard)}`,
    values: [
      run.execution_id,
      run.user_id,
      run.lease?.owner ?? null,
      run.lease?.lease_ms ?? null,
      run.lease ? 1 : 0,
      run.blocked_by,
    ],
  }
}

/** `usage`: one more use of the agent by the person. */
export function usagePart(run: NewRun, guard?: string): Part {
  return {
    name: 'usage',
    sql: `insert into agent_usages (id, user_id, agent_id) select $1::uuid, $2::uuid, $3::uuid ${onlyIf(guard)}
      on conflict (user_id, agent_id) do update set usage_count = agent_usages.usage_count + 1, last_used_at = now()`,
    values: [run.execution_id, run.user_id, run.agent_id],
  }
}

/** `relocked`: the chat goes on with another version. */
export function relockedPart(chat: { id: string; user_id: string; version_id: string }, guard: string): Part {
  return {
    name: 'relocked',
    sql: `update chats set agent_version_id = $2::uuid, updated_at = now()
      where id = $1::uuid and user_id = $3::uuid and agent_version_id is distinct from $2::uuid
        and exists (select 1 from ${guard})`,
    values: [chat.id, chat.version_id, chat.user_id],
  }
}

/** `stopped`: the person's run, marked for stopping, and waiting for no other. */
export function stoppedPart(run: { execution_id: string; user_id: string }, guard?: string): Part {
  return {
    name: 'stopped',
    sql: `update run_queue set cancel_requested_at = coalesce(cancel_requested_at, now()), blocked_by = null
      where execution_id = $1::uuid and user_id = $2::uuid ${guard ? `and exists (select 1 from ${guard})` : ''}`,
    values: [run.execution_id, run.user_id],
  }
}

/** `passed_on`: when a run is stopped before its turn, who waited for it waits for what it waited for. */
export function passedOnPart(run: { execution_id: string; user_id: string }, guard?: string): Part {
  return {
    name: 'passed_on',
    sql: `update run_queue q set blocked_by = s.blocked_by from run_queue s
      where q.blocked_by = $1::uuid and s.execution_id = $1::uuid and s.user_id = $2::uuid and s.blocked_by is not null
        ${guard ? `and exists (select 1 from ${guard})` : ''}`,
    values: [run.execution_id, run.user_id],
  }
}

const onlyIf = (guard: string | undefined) => (guard ? `where exists (select 1 from ${guard})` : '')
