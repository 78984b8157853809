import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import { CHAT_SOURCE, type ChatRow } from '../../shared/chat/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { Write } from '../../shared/kernel/mutator.ts'
import type {
  HookInput,
  HookResult,
  MutationHook,
  MutationHooks,
  PushActor,
} from '../../sync/server/push/mutation-hook.ts'
import { isRow } from '../../sync/server/push/read-rows.ts'
import { freezeDraft, mayRun, snapshotId, versionPart } from '../agent/index.ts'
import type { Part } from '../kernel/statement.ts'
import type { Worker } from '../workflow/index.ts'
import { requireQuota } from './quota.ts'
import {
  executionPart,
  passedOnPart,
  queuedPart,
  readRunAuthority,
  relockedPart,
  runAuthority,
  stoppedPart,
  usagePart,
  type RunAuthority,
} from './run.repository.ts'

export interface ChatHookDeps {
  /** Undefined in a process without the worker role: the run waits in the queue. */
  worker: Worker | undefined
  /** Tell other processes, after the commit, that the queue has a new row, or that a run shall stop. */
  notifyRuns: () => void
  notifyCancel: (execution_id: string) => void
  dailyTokens: () => Promise<number>
}

/** The CTE of a push that has a row when the mutation is new; no effect may happen without it. */
const ACK = 'ack'

/** What the server alone does when chat mutations arrive: rights, quota, execution, queue. */
export function chatHooks(deps: ChatHookDeps): MutationHooks {
  const startsRun: MutationHook = { authority, before: (input) => startRun(deps, input) }
  return {
    'chat.create': { authority, before: (input) => createChat(input) },
    'message.send': startsRun,
    'message.regenerate': startsRun,
    'run.stop': { before: (input) => stopRun(deps, input, String(input.args['execution_id'])) },
    'message.withdraw': { before: (input) => withdraw(deps, input) },
  }
}

function authority(args: Record<string, unknown>, actor: PushActor): { sql: string; values: unknown[] } {
  const chat = isRow(args['chat']) ? args['chat'] : {}
  return runAuthority({
    user_id: actor.user_id,
    chat_id: args['chat_id'] ?? args['id'],
    parent_message_id: args['parent_message_id'] ?? null,
    agent_id: chat['agent_id'] ?? null,
    agent_version_id: chat['agent_version_id'] ?? null,
    source: typeof chat['source'] === 'string' ? chat['source'] : null,
  })
}

/** A chat of a version that may run; a chat with a draft is locked to a version by its first run. */
function createChat(input: HookInput): HookResult {
  const target = targetOf(input)
  const known = readRunAuthority(input.authority)
  if (target.source !== 'draft') {
    runnableVersion(input, known, target)
    return {}
  }
  requireDraft(known, target)
  return { writes: lockChat(input.writes, null) }
}

async function startRun(deps: ChatHookDeps, input: HookInput): Promise<HookResult> {
  const target = targetOf(input)
  const known = readRunAuthority(input.authority)
  requireQuota(known.tokens, await deps.dailyTokens())
  const { version_id, parts } = versionToRun(input, known, target)

  const { user_id } = input.actor
  const { chat_id, agent_id } = target
  const { blocked_by } = known
  const execution_id = String(input.args['execution_id'])
  const lease = blocked_by === null ? deps.worker?.reserve(user_id) : undefined
  const question_id = String(input.args['user_message_id'])
  const answer_message_id = String(input.args['answer_message_id'])
  const ids = { execution_id, chat_id, agent_id, version_id, user_id, question_id, answer_message_id }
  const run = { ...ids, lease, blocked_by, hidden: false }
  return {
    writes: lockChat(input.writes, version_id),
    parts: [...parts, executionPart(run, ACK), queuedPart(run, ACK), usagePart(run, ACK)],
    audit: { object_type: 'workflow_execution', object_id: execution_id, params: { chat_id, version_id } },
    committed: () => {
      if (lease) deps.worker?.started(lease, execution_id)
      else if (blocked_by === null) deps.notifyRuns()
    },
    abandoned: () => {
      if (lease) deps.worker?.release(lease)
    },
  }
}

/** Marks the run for stopping; the worker that has it is told after the commit, at once when it is this process. */
function stopRun(deps: ChatHookDeps, input: HookInput, execution_id: string): HookResult {
  const run = { execution_id, user_id: input.actor.user_id }
  return {
    parts: [stoppedPart(run, ACK), passedOnPart(run, ACK)],
    audit: { object_type: 'workflow_execution', object_id: execution_id },
    committed: () => {
      deps.worker?.cancel(execution_id)
      deps.notifyCancel(execution_id)
      deps.notifyRuns()
    },
  }
}

/** The run of a question that was taken back stops, whether it waits or has begun. */
function withdraw(deps: ChatHookDeps, input: HookInput): HookResult {
  const answer = input.rows.get('chat_messages', { id: String(input.args['answer_message_id']) })
  const execution_id = answer?.['workflow_execution_id']
  return typeof execution_id === 'string' ? stopRun(deps, input, execution_id) : {}
}

interface Target {
  chat_id: string
  agent_id: string
  source: ChatRow['source']
  /** The mutation inserts the chat. */
  new_chat: boolean
}

function targetOf(input: HookInput): Target {
  const chat_id = String(input.args['chat_id'] ?? input.args['id'])
  const existing = input.rows.get('chats', { id: chat_id })
  const row = existing ?? input.writes.find(insertsChat)?.row
  const source = CHAT_SOURCE.find((known) => known === row?.['source'])
  if (!row || !source) throw userError('row/not-found', { table: 'chats' })
  return { chat_id, agent_id: String(row['agent_id']), source, new_chat: !existing }
}

/** The version to run, or a refusal. For a chat with a draft: its snapshot, made in the same statement. */
function versionToRun(input: HookInput, known: RunAuthority, target: Target): { version_id: string; parts: Part[] } {
  if (target.source !== 'draft') return { version_id: runnableVersion(input, known, target), parts: [] }
  const { user_id } = input.actor
  const draft = requireDraft(known, target)
  const frozen = freezeDraft(draft)
  const version_id = snapshotId(draft.agent_id, frozen.content_hash)
  const version = `draft-${frozen.content_hash.slice(0, 12)}`
  const ids = { id: version_id, agent_id: draft.agent_id, created_by: user_id }
  const snapshot = versionPart({ ...ids, kind: 'draft', version, changelog: null, frozen }, ACK)
  const relocked = relockedPart({ id: target.chat_id, user_id, version_id }, ACK)
  return { version_id, parts: target.new_chat ? [snapshot] : [snapshot, relocked] }
}

function runnableVersion(input: HookInput, { version }: RunAuthority, target: Target): string {
  const { agent_id, source, new_chat } = target
  const request = { user_id: input.actor.user_id, roles: input.actor.roles, source, new_chat }
  if (version?.agent_id === agent_id && mayRun(version, request)) return version.id
  throw userError('agent/not-runnable', { agent_id })
}

function requireDraft({ draft }: RunAuthority, { agent_id }: Target): AgentDraftRow {
  if (!draft) throw userError('agent/not-runnable', { agent_id })
  return draft
}

/** A chat that a statement inserts cannot be updated by it, so it is inserted with its version. */
function lockChat(writes: readonly Write[], agent_version_id: string | null): Write[] {
  return writes.map((write) => (insertsChat(write) ? { ...write, row: { ...write.row, agent_version_id } } : write))
}

function insertsChat(write: Write): write is Extract<Write, { op: 'insert' }> {
  return write.op === 'insert' && write.table === 'chats'
}
