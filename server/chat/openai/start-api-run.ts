import { mayDo } from '../../../shared/identity/permissions.ts'
import { toAppError, userError } from '../../../shared/kernel/errors.ts'
import { newId } from '../../../shared/kernel/id.ts'
import { mayRun } from '../../agent/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose } from '../../kernel/statement.ts'
import type { Worker } from '../../workflow/index.ts'
import { requireQuota } from '../quota.ts'
import { executionPart, queuedPart, stoppedPart, usagePart, type NewRun } from '../run.repository.ts'
import { agentBySlug, type CallableAgent } from './agent-model.repository.ts'
import { apiChatPart, messagesPart, pendingAnswerPart } from './api-chat.repository.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import { chainOf, questionOf } from './message-chain.ts'

export interface ApiRunDeps {
  db: Database
  log: Log
  /** Undefined in a process without the worker role: the run waits in the queue for another. */
  worker: Worker | undefined
  /** Tell the workers of all processes, after the commit, that the queue has a new row, or that a run shall stop. */
  notifyRuns: () => void
  notifyCancel: (execution_id: string) => void
  dailyTokens: () => Promise<number>
}

export interface ApiRun {
  execution_id: string
  answer_message_id: string
  /** It runs in this process, as far as anybody knows. */
  here: boolean
  /** Begins the run. Call it when somebody listens. */
  begin: () => void
  /** Makes it stop, wherever it runs or waits. Never throws. */
  stop: () => Promise<void>
}

/**
 * Runs a published agent for an API caller: the given messages become a hidden chat that expires after a day, and its
 * last question a real execution with everything that belongs to one.
 */
export async function startApiRun(
  deps: ApiRunDeps,
  actor: Actor,
  slug: string,
  messages: ChatCompletionRequest['messages'],
): Promise<ApiRun> {
  const agent = await requireCallable(deps, actor, slug)
  const chain = chainOf(messages)
  const question = questionOf(chain)
  const lease = deps.worker?.reserve(actor.user_id)
  const run: NewRun = {
    execution_id: newId(),
    chat_id: newId(),
    agent_id: agent.agent_id,
    version_id: agent.id,
    user_id: actor.user_id,
    question_id: question.id,
    answer_message_id: newId(),
    lease,
    blocked_by: null,
    hidden: true,
  }
  const started = auditPart({
    actor_id: actor.user_id,
    action: 'api.chat',
    object_type: 'workflow_execution',
    object_id: run.execution_id,
    params: { agent_id: run.agent_id, version_id: run.version_id },
  })
  const chat = [apiChatPart(run), messagesPart(run, chain), pendingAnswerPart(run)]
  try {
    await deps.db.query(compose([...chat, executionPart(run), queuedPart(run), usagePart(run), started], 'select 1'))
  } catch (error) {
    if (lease) deps.worker?.release(lease)
    throw error
  }
  return {
    execution_id: run.execution_id,
    answer_message_id: run.answer_message_id,
    here: lease !== undefined,
    begin: () => {
      if (lease) deps.worker?.started(lease, run.execution_id)
      else deps.notifyRuns()
    },
    stop: () => stopRun(deps, run),
  }
}

async function stopRun({ db, log, worker, notifyCancel }: ApiRunDeps, run: NewRun): Promise<void> {
  worker?.cancel(run.execution_id)
  try {
    await db.query(compose([stoppedPart(run)], 'select 1'))
    notifyCancel(run.execution_id)
  } catch (error) {
    log.warn({ event: 'v1.stop-failed', run: run.execution_id, reason: toAppError(error).message })
  }
}

/** The published agent, if this person may run it and has tokens left today. */
async function requireCallable({ db, dailyTokens }: ApiRunDeps, actor: Actor, slug: string): Promise<CallableAgent> {
  if (!mayDo(actor.roles, 'chat:write')) throw userError('auth/forbidden', { permission: 'chat:write' })
  const agent = await agentBySlug(db, slug, actor.user_id)
  if (!agent) throw userError('model/not-found', { model: `agent/${slug}` }, `the model agent/${slug} does not exist`)
  const request = { user_id: actor.user_id, roles: actor.roles, source: 'api', new_chat: true } as const
  if (!mayRun(agent, request)) throw userError('agent/not-runnable', { agent_id: agent.agent_id })
  requireQuota(agent.tokens, await dailyTokens())
  return agent
}
