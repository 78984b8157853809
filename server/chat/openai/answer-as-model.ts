import { mayDo } from '../../../shared/identity/permissions.ts'
import { operationalError, toAppError, userError } from '../../../shared/kernel/errors.ts'
import { newId } from '../../../shared/kernel/id.ts'
import { estimateUsage, type ModelProviders, type ModelResult, type ModelUsage } from '../../config/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose } from '../../kernel/statement.ts'
import { requireQuota } from '../quota.ts'
import { RESERVED_TOKENS, spentPart } from '../token-usage.repository.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import type { CompletionWriter } from './completion-writer.ts'
import { admitModelCall, callOverPart, type ModelCall } from './model-call.repository.ts'
import type { Places } from './places.ts'

export interface ModelAnswerDeps {
  db: Database
  log: Log
  models: ModelProviders
  dailyTokens: () => Promise<number>
  places: Places
}

/** Calls of one person at once, as with runs. */
export const MOST_CALLS = 8
/** As long as a run may work. */
const CALL_MS = 10 * 60_000

/** Passes a plain model name on to the provider, under the person's daily cap. */
export async function answerAsModel(
  deps: ModelAnswerDeps,
  actor: Actor,
  request: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  if (!mayDo(actor.roles, 'model:call')) throw userError('auth/forbidden', { permission: 'model:call' })
  const held = await deps.places.hold(actor.user_id, async () => {
    const call = await admit(deps, actor, request)
    await makeCall(deps, call, request, writer, gone)
  })
  if (!held) throw tooMany()
}

async function makeCall(
  deps: ModelAnswerDeps,
  call: ModelCall,
  request: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  const { messages, model, temperature, top_p, max_tokens } = request
  const provider = deps.models.current()
  const late = AbortSignal.timeout(CALL_MS)
  // A caller who has left before the model was asked owes nothing.
  const asked = !gone.aborted
  let text = ''
  let usage: ModelUsage | undefined
  let answered: ModelResult | undefined
  try {
    const signal = AbortSignal.any([gone, late])
    answered = await provider.stream({ messages, model, temperature, top_p, max_tokens }, signal, (event) => {
      if (event.type === 'usage') usage = event.usage
      else {
        text += event.text
        writer.text(event.text)
      }
    })
    usage = answered.usage ?? usage ?? estimateUsage(messages, text)
    writer.end(answered.finish_reason === 'length' ? 'length' : 'stop', usage)
  } catch (error) {
    throw late.aborted && !gone.aborted ? operationalError('model/timed-out', { stage: 'whole' }) : error
  } finally {
    // A model that was cut off has read the question, and what it has said is paid for, whoever breaks off.
    const heard = text !== '' || (asked && (gone.aborted || late.aborted))
    usage ??= heard ? estimateUsage(messages, text) : undefined
    await record(deps, call, { model: answered?.model ?? model, usage, complete: answered !== undefined })
  }
}

/** Takes a place among the person's calls, or refuses. */
async function admit(deps: ModelAnswerDeps, actor: Actor, request: ChatCompletionRequest): Promise<ModelCall> {
  const { messages, max_tokens = RESERVED_TOKENS } = request
  const tokens = estimateUsage(messages, '').prompt + Math.min(max_tokens, RESERVED_TOKENS)
  const call: ModelCall = { id: newId(), user_id: actor.user_id, tokens }
  const daily_tokens = await deps.dailyTokens()
  const admission = await admitModelCall(deps.db, call, { calls: MOST_CALLS, daily_tokens, call_ms: CALL_MS })
  if (admission.admitted) return call
  requireQuota(admission.tokens, daily_tokens)
  throw tooMany()
}

function tooMany() {
  return userError('request/rate-limited', { limit: MOST_CALLS }, `at most ${MOST_CALLS} calls of one person at once`)
}

interface CallEnd {
  model: string
  /** Undefined when the model never answered. */
  usage: ModelUsage | undefined
  complete: boolean
}

/** Adds the call to the person's day and to the audit log. Never throws: the answer is out already. */
async function record({ db, log }: Pick<ModelAnswerDeps, 'db' | 'log'>, call: ModelCall, end: CallEnd): Promise<void> {
  const tokens = (end.usage?.prompt ?? 0) + (end.usage?.completion ?? 0)
  const called = auditPart({
    actor_id: call.user_id,
    action: 'api.model',
    object_type: 'model',
    object_id: end.model,
    outcome: end.complete ? 'done' : 'failed',
  })
  try {
    await db.query(compose([spentPart(call.user_id, tokens), callOverPart(call), called], 'select 1'))
  } catch (error) {
    // What the call was taken to cost stays reserved, and is counted when its time is over.
    log.error({ event: 'v1.record-failed', user: call.user_id, tokens, reason: toAppError(error).message })
  }
}
