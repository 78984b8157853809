import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { AppError, toAppError, userError } from '../../../shared/kernel/errors.ts'
import { CAPS } from '../../../shared/kernel/caps.ts'
import { mayDo } from '../../../shared/identity/permissions.ts'
import type { ModelProviders } from '../../config/index.ts'
import { auditPart } from '../../kernel/audit-log.ts'
import type { Database } from '../../kernel/db.ts'
import type { Log } from '../../kernel/log.ts'
import type { Actor } from '../../kernel/request.ts'
import { compose, prepared } from '../../kernel/statement.ts'
import type { Worker } from '../../workflow/index.ts'
import type { RunEvents, RunFrame } from '../run-events.ts'
import { readChatRequest, type ChatCompletionRequest } from './chat-request.ts'
import { createCompletionWriter, type CompletionWriter } from './completion-writer.ts'
import { startApiRun } from './start-api-run.ts'

export interface OpenAiDeps {
  db: Database
  log: Log
  /** The person behind `Authorization: Bearer bny_…`. */
  findKey: (authorization: string | undefined) => Promise<Actor | undefined>
  models: ModelProviders
  worker: Worker
  events: RunEvents
  dailyTokens: () => Promise<number>
}

const AGENT_PREFIX = 'agent/'

/** `/v1/models` and `/v1/chat/completions`, as OpenAI's clients expect them. Personal API keys only, never cookies. */
export function openAiRoutes(deps: OpenAiDeps): RequestHandler {
  const router = express.Router()
  const json = express.json({ limit: CAPS.json, strict: false, type: () => true })

  router.get('/v1/models', (request, response, next) => {
    const run = async () => {
      const actor = await requireKey(deps, request)
      response.json({ object: 'list', data: await listModels(deps, actor) })
    }
    run().catch(next)
  })

  router.post('/v1/chat/completions', json, (request, response, next) => {
    const run = async () => {
      const actor = await requireKey(deps, request)
      const body = readChatRequest(request.body)
      const writer = createCompletionWriter(response, body)
      const gone = new AbortController()
      response.on('close', () => gone.abort())
      try {
        if (body.model.startsWith(AGENT_PREFIX)) await runAgent(deps, actor, body, writer, gone.signal)
        else await callModel(deps, actor, body, writer, gone.signal)
      } catch (error) {
        if (gone.signal.aborted) return
        if (!writer.started) throw error
        writer.fail(openAiError(toAppError(error)))
      }
    }
    run().catch(next)
  })

  router.use('/v1', answerOpenAiErrors(deps.log))
  return router
}

async function requireKey(deps: OpenAiDeps, request: Request): Promise<Actor> {
  const actor = await deps.findKey(request.headers.authorization)
  if (!actor)
    throw userError(
      'key/invalid',
      {},
      'Incorrect API key: make one under Settings, API keys, and send it as Authorization: Bearer bny_…',
    )
  return actor
}

async function listModels(
  deps: OpenAiDeps,
  actor: Actor,
): Promise<{ id: string; object: 'model'; created: number; owned_by: string }[]> {
  const agents = await deps.db.query<{ slug: string; created: number; owner: string }>(
    prepared(
      `select a.slug, extract(epoch from a.published_at)::int as created, u.name as owner
       from agents a join users u on u.id = a.developer_id
       where a.status = 'published' and a.deleted_at is null order by a.download_count desc, a.id limit 1000`,
      [],
    ),
  )
  const provider = deps.models.current()
  const names = mayDo(actor.roles, 'model:call') ? await provider.list().catch(() => [provider.default_model]) : []
  return [
    ...agents.map(({ slug, created, owner }) => ({
      id: `${AGENT_PREFIX}${slug}`,
      object: 'model' as const,
      created,
      owned_by: owner,
    })),
    ...names.map((name) => ({ id: name, object: 'model' as const, created: 0, owned_by: provider.kind })),
  ]
}

/** Runs a published agent. A caller that leaves stops the run: nobody else would read its answer. */
async function runAgent(
  deps: OpenAiDeps,
  actor: Actor,
  body: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  const run = await startApiRun(deps, actor, body.model.slice(AGENT_PREFIX.length), body.messages)
  let sent = 0
  const status = await new Promise<string>((resolve) => {
    const off = deps.events.on(run.execution_id, (frame: RunFrame) => {
      if (frame.t === 'run.snapshot') {
        // A later attempt repeats what was sent; only what is new goes out.
        if (frame.text.length > sent) writer.text(frame.text.slice(sent))
        sent = Math.max(sent, frame.text.length)
      } else if (frame.t === 'run.text') {
        sent += frame.text.length
        writer.text(frame.text)
      } else if (frame.t === 'run.end') {
        off()
        resolve(frame.status)
      }
    })
    gone.addEventListener('abort', () => {
      off()
      deps.worker.cancel(run.execution_id)
      resolve('cancelled')
    })
    run.begin()
  })
  if (gone.aborted) return
  const [answer] = await deps.db.query<{
    content: string
    metadata: { tokens_prompt?: number; tokens_completion?: number; error?: { code: string } }
  }>(prepared('select content, metadata from chat_messages where id = $1', [run.answer_message_id]))
  if (status !== 'completed' || !answer) {
    const code = answer?.metadata.error?.code ?? 'run/lost'
    throw new AppError('operational', 'run/node-failed', { code }, `the run ended as ${status} (${code})`)
  }
  // Text that was not streamed (a template's) arrives with the row.
  if (answer.content.length > sent) writer.text(answer.content.slice(sent))
  writer.end('stop', { prompt: answer.metadata.tokens_prompt ?? 0, completion: answer.metadata.tokens_completion ?? 0 })
}

/** Passes a plain model name on to the provider, under the person's daily cap. */
async function callModel(
  deps: OpenAiDeps,
  actor: Actor,
  body: ChatCompletionRequest,
  writer: CompletionWriter,
  gone: AbortSignal,
): Promise<void> {
  if (!mayDo(actor.roles, 'model:call')) throw userError('auth/forbidden', { permission: 'model:call' })
  const [usage] = await deps.db.query<{ tokens: number }>(
    prepared('select tokens from token_usages where user_id = $1 and day = current_date', [actor.user_id]),
  )
  const limit = await deps.dailyTokens()
  if ((usage?.tokens ?? 0) >= limit)
    throw userError('run/quota', { limit }, `the daily limit of ${limit} tokens is used up`)
  const result = await deps.models
    .current()
    .stream(
      {
        messages: body.messages,
        model: body.model,
        temperature: body.temperature,
        top_p: body.top_p,
        max_tokens: body.max_tokens,
      },
      gone,
      (event) => {
        if (event.type === 'text') writer.text(event.text)
      },
    )
  writer.end(result.finish_reason === 'length' ? 'length' : 'stop', result.usage)
  await deps.db.query(
    compose(
      [
        {
          name: 'usage',
          sql: `insert into token_usages (user_id, day, tokens) values ($1::uuid, current_date, $2::bigint)
            on conflict (user_id, day) do update set tokens = token_usages.tokens + excluded.tokens`,
          values: [actor.user_id, (result.usage?.prompt ?? 0) + (result.usage?.completion ?? 0)],
        },
        auditPart({ actor_id: actor.user_id, action: 'api.model', object_type: 'model', object_id: result.model }),
      ],
      'select 1',
    ),
  )
}

function openAiError(error: AppError): { message: string; type: string; param: null; code: string } {
  const type = error.status === 429 ? 'rate_limit_error' : error.kind === 'user' ? 'invalid_request_error' : 'api_error'
  const message = error.kind === 'bug' ? 'something went wrong on the server' : error.message
  return { message, type, param: null, code: error.code }
}

/** Everything under `/v1` answers in OpenAI's error shape. */
function answerOpenAiErrors(log: Log) {
  return (thrown: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) return next(thrown)
    const type = thrown instanceof Error && 'type' in thrown ? thrown.type : undefined
    const error =
      type === 'entity.too.large'
        ? userError('request/too-large', {}, 'the body is too large')
        : type === 'entity.parse.failed'
          ? userError('request/malformed-json', {}, 'the body is not valid JSON')
          : toAppError(thrown)
    if (error.kind === 'bug') log.error({ event: 'v1.bug', reason: error.message, stack: error.stack })
    response.setHeader('cache-control', 'no-store')
    response.status(error.status).json({ error: openAiError(error) })
  }
}
