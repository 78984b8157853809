import { mayDo } from '../../../shared/identity/permissions.ts'
import { userError } from '../../../shared/kernel/errors.ts'
import type { ModelProviders } from '../../config/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose } from '../../kernel/statement.ts'
import { requireQuota } from '../quota.ts'
import { spentPart, tokensToday } from '../token-usage.repository.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import type { CompletionWriter } from './completion-writer.ts'

export interface ModelAnswerDeps {
  db: Database
  models: ModelProviders
  dailyTokens: () => Promise<number>
}

/** Passes a plain model name on to the provider, under the person's daily cap. */
export async function answerAsModel(
  { db, models, dailyTokens }: ModelAnswerDeps,
  actor: Actor,
  request: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  if (!mayDo(actor.roles, 'model:call')) throw userError('auth/forbidden', { permission: 'model:call' })
  requireQuota(await tokensToday(db, actor.user_id), await dailyTokens())
  const { messages, model, temperature, top_p, max_tokens } = request
  const result = await models.current().stream({ messages, model, temperature, top_p, max_tokens }, gone, (event) => {
    if (event.type === 'text') writer.text(event.text)
  })
  writer.end(result.finish_reason === 'length' ? 'length' : 'stop', result.usage)
  const tokens = (result.usage?.prompt ?? 0) + (result.usage?.completion ?? 0)
  const called = auditPart({
    actor_id: actor.user_id,
    action: 'api.model',
    object_type: 'model',
    object_id: result.model,
  })
  await db.query(compose([spentPart(actor.user_id, tokens), called], 'select 1'))
}
