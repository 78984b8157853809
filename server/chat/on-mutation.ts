import type { ChatRow } from '../../shared/chat/rows.ts'
import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { isRow } from '../../sync/server/push/read-rows.ts'
import type {
  HookInput,
  HookResult,
  MutationHook,
  MutationHooks,
  PushActor,
} from '../../sync/server/push/mutation-hook.ts'
import { freezeDraft, mayRun, snapshotId, type RunnableVersion } from '../agent/index.ts'
import type { Part } from '../kernel/statement.ts'
import type { Lease, Worker } from '../workflow/index.ts'

export interface ChatHookDeps {
  /** Undefined in a process without the worker role: the run waits in the queue. */
  worker: Worker | undefined
  /** Tell other processes, after the commit, that the queue has a new row, or that a run shall stop. */
  notifyRuns: () => void
  notifyCancel: (execution_id: string) => void
  dailyTokens: () => Promise<number>
}

/** What the server alone does when chat mutations arrive: rights, quota, execution, queue. */
export function chatHooks(deps: ChatHookDeps): MutationHooks {
  const startsRun: MutationHook = { authority: runAuthority, before: (input) => startRun(deps, input) }
  return {
    'chat.create': { authority: runAuthority, before: (input) => refuseUnrunnable(input) },
    'message.send': startsRun,
    'message.regenerate': startsRun,
    'run.stop': { before: (input) => stopRun(deps, input) },
  }
}

/**
 * Version, draft, quota and the run to wait for, as one jsonb. `$1` chat, `$2` user, `$3` agent, `$4` version of a new
 * chat, `$5` the parent message.
 */
function runAuthority(args: Record<string, unknown>, actor: PushActor): { sql: string; values: unknown[] } {
  const chat = isRow(args['chat']) ? args['chat'] : {}
  const chat_id = args['chat_id'] ?? args['id']
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
      'tokens', (select tokens from token_usages where user_id = $2::uuid and day = current_date),
      'blocked_by', (
        select q.execution_id from chat_messages m join run_queue q on q.execution_id = m.workflow_execution_id
        where m.id = $5::uuid and m.user_id = $2::uuid and m.status = 'sending'))`,
    values: [
      chat_id,
      actor.user_id,
      chat['agent_id'] ?? null,
      chat['agent_version_id'] ?? null,
      args['parent_message_id'] ?? null,
      typeof chat['source'] === 'string' ? chat['source'] : null,
    ],
  }
}

interface RunAuthority {
  version: (RunnableVersion & { agent_id: string }) | null
  draft: AgentDraftRow | null
  tokens: number | null
  blocked_by: string | null
}

interface Target {
  chat_id: string
  agent_id: string
  source: ChatRow['source']
  new_chat: boolean
}

function targetOf(input: HookInput): Target {
  const chat_id = String(input.args['chat_id'] ?? input.args['id'])
  const existing = input.rows.get('chats', { id: chat_id })
  const inserted = input.writes.find((write) => write.op === 'insert' && write.table === 'chats')
  const row = existing ?? (inserted?.op === 'insert' ? inserted.row : undefined)
  if (!row) throw userError('row/not-found', { table: 'chats' })
  return {
    chat_id,
    agent_id: String(row['agent_id']),
    // The column's CHECK and the mutator's schema allow these values only.
    source: row['source'] as ChatRow['source'],
    new_chat: !existing,
  }
}

/** The version to run, or a refusal. For a chat with a draft: its snapshot, made in the same statement. */
function versionToRun(
  input: HookInput,
  authority: RunAuthority,
  target: Target,
): { version_id: string; parts: Part[] } {
  if (target.source === 'draft') {
    if (!authority.draft) throw userError('agent/not-runnable', { agent_id: target.agent_id })
    return draftSnapshot(authority.draft, input.actor.user_id, target.chat_id)
  }
  const version = authority.version
  const allowed =
    version?.agent_id === target.agent_id &&
    mayRun(version, {
      user_id: input.actor.user_id,
      roles: input.actor.roles,
      source: target.source,
      new_chat: target.new_chat,
    })
  if (!version || !allowed) throw userError('agent/not-runnable', { agent_id: target.agent_id })
  return { version_id: version.id, parts: [] }
}

function draftSnapshot(draft: AgentDraftRow, user_id: string, chat_id: string): { version_id: string; parts: Part[] } {
  const frozen = freezeDraft(draft)
  const version_id = snapshotId(draft.agent_id, frozen.content_hash)
  return {
    version_id,
    parts: [
      {
        name: 'snapshot',
        sql: `insert into agent_versions (id, agent_id, version, kind, content_hash, workflow_definition, system_prompt,
            model_params_override, service_dependencies, manifest, created_by)
          select $1::uuid, $2::uuid, $3::varchar, 'draft', $4::varchar, $5::jsonb, $6::text, $7::jsonb, $8::jsonb, $9::jsonb, $10::uuid
          where exists (select 1 from ack) on conflict do nothing`,
        values: [
          version_id,
          draft.agent_id,
          `draft-${frozen.content_hash.slice(0, 12)}`,
          frozen.content_hash,
          JSON.stringify(frozen.workflow_definition),
          frozen.system_prompt,
          JSON.stringify(frozen.model_params_override),
          JSON.stringify(frozen.service_dependencies),
          JSON.stringify(frozen.manifest),
          user_id,
        ],
      },
      {
        name: 'relock',
        sql: `update chats set agent_version_id = $2::uuid, updated_at = now()
          where id = $1::uuid and user_id = $3::uuid and agent_version_id is distinct from $2::uuid and exists (select 1 from ack)`,
        values: [chat_id, version_id, user_id],
      },
    ],
  }
}

function readAuthority(input: HookInput): RunAuthority {
  if (!isRow(input.authority)) throw userError('agent/not-runnable')
  // Built by `runAuthority` above.
  return input.authority as unknown as RunAuthority
}

function refuseUnrunnable(input: HookInput): HookResult {
  const target = targetOf(input)
  const authority = readAuthority(input)
  if (target.source === 'draft') {
    if (!authority.draft) throw userError('agent/not-runnable', { agent_id: target.agent_id })
    const unlocked = input.writes.map((write) =>
      write.op === 'insert' ? { ...write, row: { ...write.row, agent_version_id: null } } : write,
    )
    return { writes: unlocked }
  }
  versionToRun(input, authority, target)
  return {}
}

async function startRun(deps: ChatHookDeps, input: HookInput): Promise<HookResult> {
  const target = targetOf(input)
  const authority = readAuthority(input)
  const cap = await deps.dailyTokens()
  if ((authority.tokens ?? 0) >= cap) throw userError('run/quota', { limit: cap })
  const { version_id, parts } = versionToRun(input, authority, target)

  const execution_id = String(input.args['execution_id'])
  const user_id = input.actor.user_id
  const lease = authority.blocked_by === null ? deps.worker?.reserve(user_id) : undefined
  const insertsChat = input.writes.some((write) => write.op === 'insert' && write.table === 'chats')
  return {
    // A chat that this statement inserts cannot be updated by it, so it is inserted with its snapshot.
    writes: input.writes.map((write) =>
      write.op === 'insert' && write.table === 'chats'
        ? { ...write, row: { ...write.row, agent_version_id: version_id } }
        : write,
    ),
    parts: [
      ...(insertsChat ? parts.filter((part) => part.name !== 'relock') : parts),
      ...queueParts(input, target, { execution_id, user_id, version_id, lease, blocked_by: authority.blocked_by }),
    ],
    audit: {
      object_type: 'workflow_execution',
      object_id: execution_id,
      params: { chat_id: target.chat_id, version_id },
    },
    committed: () => {
      if (lease) deps.worker?.started(lease, execution_id)
      else if (authority.blocked_by === null) deps.notifyRuns()
    },
    abandoned: () => {
      if (lease) deps.worker?.release(lease)
    },
  }
}

interface NewRun {
  execution_id: string
  user_id: string
  version_id: string
  lease: Lease | undefined
  blocked_by: string | null
}

function queueParts(input: HookInput, target: Target, run: NewRun): Part[] {
  return [
    {
      name: 'execution',
      sql: `insert into workflow_executions (execution_id, chat_id, message_id, answer_message_id, agent_version_id, thread_id,
          status, user_id, attempt, started_at)
        select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::varchar, $7::varchar, $8::uuid, $9::int,
          case when $7::varchar = 'running' then now() end
        where exists (select 1 from ack)`,
      values: [
        run.execution_id,
        target.chat_id,
        input.args['user_message_id'],
        input.args['answer_message_id'],
        run.version_id,
        `chat_${target.chat_id}:${run.execution_id}`,
        run.lease ? 'running' : 'queued',
        run.user_id,
        run.lease ? 1 : 0,
      ],
    },
    {
      name: 'queued',
      sql: `insert into run_queue (execution_id, user_id, lease_owner, lease_until, attempt, blocked_by)
        select $1::uuid, $2::uuid, $3::varchar, now() + $4::int * interval '1 millisecond', $5::int, $6::uuid
        where exists (select 1 from ack)`,
      values: [
        run.execution_id,
        run.user_id,
        run.lease?.owner ?? null,
        run.lease?.lease_ms ?? null,
        run.lease ? 1 : 0,
        run.blocked_by,
      ],
    },
    {
      name: 'usage',
      sql: `insert into agent_usages (id, user_id, agent_id) select $1::uuid, $2::uuid, $3::uuid where exists (select 1 from ack)
        on conflict (user_id, agent_id) do update set usage_count = agent_usages.usage_count + 1, last_used_at = now()`,
      values: [run.execution_id, run.user_id, target.agent_id],
    },
  ]
}

/** Marks the run for stopping; the worker that has it is told after the commit, at once when it is this process. */
function stopRun(deps: ChatHookDeps, input: HookInput): HookResult {
  const execution_id = String(input.args['execution_id'])
  return {
    parts: [
      {
        name: 'stopped',
        sql: `update run_queue set cancel_requested_at = coalesce(cancel_requested_at, now()), blocked_by = null
          where execution_id = $1::uuid and user_id = $2::uuid and exists (select 1 from ack)`,
        values: [execution_id, input.actor.user_id],
      },
    ],
    audit: { object_type: 'workflow_execution', object_id: execution_id },
    committed: () => {
      deps.worker?.cancel(execution_id)
      deps.notifyCancel(execution_id)
      deps.notifyRuns()
    },
  }
}
