import { toAppError, type AppError } from '../../../shared/kernel/errors.ts'
import type { ErrorRequestHandler } from '../../kernel/http.ts'
import type { Log } from '../../kernel/log.ts'
import { publicMessage, requestError } from '../../kernel/serve.ts'

/** OpenAI's error object. */
export interface OpenAiError {
  message: string
  type: 'rate_limit_error' | 'invalid_request_error' | 'api_error'
  param: null
  code: string
}

export function openAiError(error: AppError): OpenAiError {
  return { message: publicMessage(error), type: typeOf(error), param: null, code: error.code }
}

function typeOf(error: AppError): OpenAiError['type'] {
  if (error.status === 429) return 'rate_limit_error'
  return error.kind === 'user' ? 'invalid_request_error' : 'api_error'
}

/** Everything under `/v1` answers in OpenAI's error shape. */
export function answerOpenAiErrors(log: Log): ErrorRequestHandler {
  return (thrown: unknown, _request, response, next) => {
    if (response.headersSent) return next(thrown)
    const error = requestError(thrown) ?? toAppError(thrown)
    if (error.kind === 'bug') log.error({ event: 'v1.bug', reason: error.message, stack: error.stack })
    response.setHeader('cache-control', 'no-store')
    const after = retryAfter(error, new Date())
    if (after !== undefined) response.setHeader('retry-after', String(after))
    response.status(error.status).json({ error: openAiError(error) })
  }
}

/** Seconds after which a refused caller may come back: tokens return with the day (UTC), places when a call ends. */
export function retryAfter(error: AppError, now: Date): number | undefined {
  if (error.code === 'request/rate-limited') return 5
  if (error.code !== 'run/quota') return undefined
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  return Math.ceil((midnight - now.getTime()) / 1000)
}
