import { mayDo } from '../../../shared/identity/permissions.ts'
import { toAppError, userError } from '../../../shared/kernel/errors.ts'
import { estimateUsage, type ModelProviders, type ModelResult, type ModelUsage } from '../../config/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose } from '../../kernel/statement.ts'
import { requireQuota } from '../quota.ts'
import { spentPart, tokensToday } from '../token-usage.repository.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import type { CompletionWriter } from './completion-writer.ts'

export interface ModelAnswerDeps {
  db: Database
  log: Log
  models: ModelProviders
  dailyTokens: () => Promise<number>
}

/** Passes a plain model name on to the provider, under the person's daily cap. */
export async function answerAsModel(
  { db, log, models, dailyTokens }: ModelAnswerDeps,
  actor: Actor,
  request: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  if (!mayDo(actor.roles, 'model:call')) throw userError('auth/forbidden', { permission: 'model:call' })
  requireQuota(await tokensToday(db, actor.user_id), await dailyTokens())
  const { messages, model, temperature, top_p, max_tokens } = request
  const provider = models.current()
  let text = ''
  let usage: ModelUsage | undefined
  let answered: ModelResult | undefined
  try {
    answered = await provider.stream({ messages, model, temperature, top_p, max_tokens }, gone, (event) => {
      if (event.type === 'usage') usage = event.usage
      else {
        text += event.text
        writer.text(event.text)
      }
    })
    usage = answered.usage ?? usage ?? estimateUsage(messages, text)
    writer.end(answered.finish_reason === 'length' ? 'length' : 'stop', usage)
  } finally {
    // A model that has begun to answer has read the question: both are paid for, whoever breaks off.
    usage ??= text === '' ? undefined : estimateUsage(messages, text)
    await record({ db, log }, actor, { model: answered?.model ?? model, usage, complete: answered !== undefined })
  }
}

interface ModelCall {
  model: string
  /** Undefined when the model never answered. */
  usage: ModelUsage | undefined
  complete: boolean
}

/** Adds the call to the person's day and to the audit log. Never throws: the answer is out already. */
async function record({ db, log }: Pick<ModelAnswerDeps, 'db' | 'log'>, actor: Actor, call: ModelCall): Promise<void> {
  const tokens = (call.usage?.prompt ?? 0) + (call.usage?.completion ?? 0)
  const called = auditPart({
    actor_id: actor.user_id,
    action: 'api.model',
    object_type: 'model',
    object_id: call.model,
    outcome: call.complete ? 'done' : 'failed',
  })
  try {
    await db.query(compose([spentPart(actor.user_id, tokens), called], 'select 1'))
  } catch (error) {
    log.error({ event: 'v1.record-failed', user: actor.user_id, tokens, reason: toAppError(error).message })
  }
}
