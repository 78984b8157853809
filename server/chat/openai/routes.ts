import { CAPS } from '../../../shared/kernel/caps.ts'
import { toAppError, userError } from '../../../shared/kernel/errors.ts'
import { createRouter, jsonBody, type Request, type Router } from '../../kernel/http.ts'
import type { Log } from '../../kernel/log.ts'
import type { Actor } from '../../kernel/request.ts'
import { answerAsAgent, type AgentAnswerDeps } from './answer-as-agent.ts'
import { answerAsModel, MOST_CALLS, type ModelAnswerDeps } from './answer-as-model.ts'
import { readChatRequest } from './chat-request.ts'
import { createCompletionWriter } from './completion-writer.ts'
import { AGENT_PREFIX, listModels } from './list-models.ts'
import { answerOpenAiErrors, openAiError } from './openai-error.ts'
import { Places } from './places.ts'

export interface OpenAiDeps extends AgentAnswerDeps, Omit<ModelAnswerDeps, 'places'> {
  log: Log
  /** The person behind `Authorization: Bearer bny_…`. */
  findKey: (authorization: string | undefined) => Promise<Actor | undefined>
}

/** `/v1/models` and `/v1/chat/completions`, as OpenAI's clients expect them. Personal API keys only, never cookies. */
export function openAiRoutes(deps: OpenAiDeps): Router {
  const router = createRouter()
  const places = new Places(MOST_CALLS)

  router.get('/v1/models', async (request, response) => {
    const actor = await requireKey(deps, request)
    response.json({ object: 'list', data: await listModels(deps, actor) })
  })

  router.post('/v1/chat/completions', jsonBody(CAPS.json), async (request, response) => {
    const actor = await requireKey(deps, request)
    const body = readChatRequest(request.body)
    const writer = createCompletionWriter(response, body)
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    try {
      if (body.model.startsWith(AGENT_PREFIX)) await answerAsAgent(deps, actor, body, writer, gone.signal)
      else await answerAsModel({ ...deps, places }, actor, body, writer, gone.signal)
    } catch (error) {
      if (gone.signal.aborted) return
      if (!writer.started) throw error
      writer.fail(openAiError(toAppError(error)))
    }
  })

  router.use('/v1', (_request, _response, next) => next(userError('request/not-found', {}, 'there is no such address')))
  router.use('/v1', answerOpenAiErrors(deps.log))
  return router
}

async function requireKey(deps: OpenAiDeps, request: Request): Promise<Actor> {
  const actor = await deps.findKey(request.headers.authorization)
  if (actor) return actor
  const advice = 'make one under Settings, API keys, and send it as Authorization: Bearer bny_…'
  throw userError('key/invalid', {}, `Incorrect API key: ${advice}`)
}
