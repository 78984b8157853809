import { AppError, operationalError, toAppError } from '../../../shared/kernel/errors.ts'
import { field, shortText } from './answer-reader.ts'
import { ConnectionLost } from './http-exchange.ts'

/** A response other than 200. */
export class Refused extends Error {
  readonly status: number
  readonly body: string
  readonly retry_after_ms: number | undefined

  constructor(status: number, body: string, retryAfter: string | undefined) {
    super(`status ${status}`)
    this.name = 'Refused'
    this.status = status
    this.body = body
    this.retry_after_ms = readRetryAfter(retryAfter, Date.now())
  }
}

/** What a failure means to the person, and whether trying again before the first token may help. */
export interface Judgement {
  error: AppError
  retriable: boolean
  /** The pause that the provider asks for. */
  after_ms?: number | undefined
}

/** `secret` is the key, which some servers echo; it never leaves this function. */
export function judge(error: unknown, model: string, secret: string | undefined): Judgement {
  if (error instanceof ConnectionLost) return judgeConnection(error)
  if (error instanceof Refused) return judgeStatus(error, model, detailOf(error.body, secret))
  if (error instanceof AppError)
    return { error: withoutSecret(error, secret), retriable: error.code === 'model/interrupted' }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return { error: operationalError('model/timed-out', { stage: 'whole' }), retriable: false }
  }
  return { error: toAppError(error), retriable: false }
}

function judgeConnection(lost: ConnectionLost): Judgement {
  if (lost.started) return { error: operationalError('model/interrupted'), retriable: true }
  if (lost.code === 'UND_ERR_CONNECT_TIMEOUT')
    return { error: operationalError('model/timed-out', { stage: 'connect' }), retriable: true }
  return { error: operationalError('model/unavailable', { reason: lost.code ?? 'connection' }), retriable: true }
}

function judgeStatus(refused: Refused, model: string, detail: string | undefined): Judgement {
  const { status, retry_after_ms: after_ms } = refused
  if (status === 401 || status === 403)
    return { error: operationalError('model/refused', { status }), retriable: false }
  if (status === 404) return { error: operationalError('model/not-found', { model, detail }), retriable: false }
  if (status === 429) return { error: operationalError('model/rate-limited', { detail }), retriable: true, after_ms }
  if (status >= 500)
    return { error: operationalError('model/unavailable', { status, detail }), retriable: true, after_ms }
  return { error: operationalError('model/bad-answer', { status, detail }), retriable: false }
}

function detailOf(body: string, secret: string | undefined): string | undefined {
  let text: string | undefined
  try {
    const error = field(JSON.parse(body), 'error')
    text = shortText(error) ?? shortText(field(error, 'message'))
  } catch {
    return undefined
  }
  return hidden(text, secret)
}

/** An error that came as a part of an answer may quote the key as well. */
function withoutSecret(error: AppError, secret: string | undefined): AppError {
  const { detail } = error.params
  if (typeof detail !== 'string') return error
  return new AppError(error.kind, error.code, { ...error.params, detail: hidden(detail, secret) }, error.message)
}

function hidden(text: string | undefined, secret: string | undefined): string | undefined {
  return secret ? text?.replaceAll(secret, '[hidden]') : text
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3) as milliseconds from `now`. */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
