import { setTimeout as pause } from 'node:timers/promises'
import { isErrorCode, operationalError } from '../../../shared/kernel/errors.ts'
import type { Database } from '../../kernel/db.ts'
import type { Actor } from '../../kernel/request.ts'
import type { RunEvents } from '../run-events.ts'
import { answerOf } from './api-chat.repository.ts'
import type { ChatCompletionRequest } from './chat-request.ts'
import type { CompletionWriter } from './completion-writer.ts'
import { AGENT_PREFIX } from './list-models.ts'
import { startApiRun, type ApiRun, type ApiRunDeps } from './start-api-run.ts'

export interface AgentAnswerDeps extends ApiRunDeps {
  events: RunEvents
}

/** Runs a published agent. A caller that leaves stops the run: nobody else would read its answer. */
export async function answerAsAgent(
  deps: AgentAnswerDeps,
  actor: Actor,
  request: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  const run = await startApiRun(deps, actor, request.model.slice(AGENT_PREFIX.length), request.messages)
  const { status, sent } = await streamRun(deps, run, writer, gone)
  if (gone.aborted) return
  const answer = await answerOf(deps.db, run.answer_message_id)
  if (status !== 'completed' || !answer) {
    const code = answer?.metadata.error?.code ?? 'run/lost'
    throw operationalError(isErrorCode(code) ? code : 'run/node-failed', {}, `the run ended as ${status} (${code})`)
  }
  // Text that was not streamed (a template's) arrives with the row.
  if (answer.content.length > sent) writer.text(answer.content.slice(sent))
  writer.end(answer.metadata.cut ? 'length' : 'stop', {
    prompt: answer.metadata.tokens_prompt ?? 0,
    completion: answer.metadata.tokens_completion ?? 0,
  })
}

/**
 * Begins the run and passes its text on until it ends. `sent` counts characters. Frames tell of a run in this process;
 * the row tells of one that another process has, from the start or after this one lost it.
 */
async function streamRun(
  { db, events }: AgentAnswerDeps,
  run: ApiRun,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<{ status: string; sent: number }> {
  let sent = 0
  const send = (text: string) => {
    if (text === '') return
    sent += text.length
    writer.text(text)
  }
  const over = new AbortController()
  const ended = Promise.withResolvers<string>()
  const off = events.on(run.execution_id, (frame) => {
    // A later attempt repeats what was sent; only what is new goes out.
    if (frame.t === 'run.snapshot') send(frame.text.slice(sent))
    else if (frame.t === 'run.text') send(frame.text)
    else if (frame.t === 'run.end') ended.resolve(frame.status)
  })
  gone.addEventListener('abort', () => ended.resolve('cancelled'), { signal: over.signal })
  if (gone.aborted) ended.resolve('cancelled')
  run.begin()
  const status = await Promise.race([ended.promise, settled(db, run, over.signal)])
  over.abort()
  off()
  if (gone.aborted) await run.stop()
  return { status, sent }
}

/** How often the row of an answer is looked at, ms. */
const LOOK_MS = { here: 1_000, elsewhere: 200 }

/** The run's end, as its answer's row shows it. Runs end by themselves, so this does, too. */
async function settled(db: Database, run: ApiRun, over: AbortSignal): Promise<string> {
  const every = run.here ? LOOK_MS.here : LOOK_MS.elsewhere
  while (await passed(every, over)) {
    // A database that is away for a moment is asked again.
    const answer = await answerOf(db, run.answer_message_id).catch(() => 'unknown' as const)
    if (answer === undefined) return 'failed'
    if (answer !== 'unknown' && answer.status !== 'sending') return answer.workflow_status
  }
  return 'cancelled'
}

/** False when the wait was ended before its time. */
const passed = (ms: number, over: AbortSignal): Promise<boolean> => pause(ms, true, { signal: over }).catch(() => false)
