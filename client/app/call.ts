import type { Static, TObject, TSchema } from 'typebox'
import type { Endpoint } from '../../shared/kernel/endpoint.ts'
import {
  AppError,
  isErrorCode,
  operationalError,
  type ErrorCode,
  type ErrorParams,
} from '../../shared/kernel/errors.ts'

/** Longest wait for an answer, ms. */
const DEADLINE_MS = 30_000

type Part<Key extends string, T> = object extends T ? { [K in Key]?: T } : { [K in Key]: T }
type Input<P extends TObject, Q extends TObject, B extends TSchema> = Part<'params', Static<P>> &
  Part<'query', Static<Q>> &
  Part<'body', Static<B>> & { signal?: AbortSignal }
type Rest<T> = object extends T ? [input?: T] : [input: T]

/** Calls an endpoint of `shared/<module>/api.ts`. Throws AppErrors only. */
export async function call<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema>(
  endpoint: Endpoint<P, Q, B, R>,
  ...[input]: Rest<Input<P, Q, B>>
): Promise<Static<R>> {
  const parts: { params?: object; query?: object; body?: unknown; signal?: AbortSignal } = input ?? {}
  const response = await send(address(endpoint.path, parts.params, parts.query), {
    method: endpoint.method,
    ...(endpoint.method === 'GET' ? {} : { body: JSON.stringify(parts.body ?? {}) }),
    ...(parts.signal ? { signal: parts.signal } : {}),
  })
  // The server checks replies against the same contract.
  return (await readJson(response)) as Static<R>
}

/** The path with its parameters filled in, and the query behind it. Undefined values are left out. */
export function address(path: string, params: object = {}, query: object = {}): string {
  const values = new Map(Object.entries(params))
  const filled = path.replaceAll(/:([a-z_]+)/g, (_match, name: string) => encodeURIComponent(String(values.get(name))))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value))
  return search.size > 0 ? `${filled}?${search}` : filled
}

/** One request with our defaults; a failed one throws an AppError. */
export async function send(path: string, init: RequestInit): Promise<Response> {
  const deadline = AbortSignal.timeout(DEADLINE_MS)
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline
  const headers = {
    accept: 'application/json',
    ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  const response = await fetch(path, { credentials: 'same-origin', ...init, headers, signal }).catch(
    (error: unknown) => {
      if (init.signal?.aborted) throw error
      throw operationalError('server/unavailable')
    },
  )
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => undefined))
  return response
}

async function readJson(response: Response): Promise<unknown> {
  if (response.status === 204) return {}
  return response.json().catch(() => {
    throw operationalError('server/unavailable')
  })
}

/** `{error: {code, params}}` as an AppError; any other body by its status. */
export function errorOf(status: number, body: unknown): AppError {
  const { code, params, message } = errorPart(body)
  const kind = status >= 500 ? 'operational' : 'user'
  if (isErrorCode(code)) return new AppError(kind, code, params, message)
  return new AppError(kind, codeOfStatus(status), {}, message)
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'auth/required'
  if (status === 403) return 'auth/forbidden'
  if (status === 404) return 'request/not-found'
  if (status === 413) return 'request/too-large'
  if (status === 429) return 'request/rate-limited'
  if (status >= 500) return 'server/unavailable'
  return 'request/invalid'
}

function errorPart(body: unknown): { code?: string; params?: ErrorParams; message?: string } {
  if (typeof body !== 'object' || body === null || !('error' in body)) return {}
  const { error } = body
  if (typeof error !== 'object' || error === null) return {}
  return {
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('message' in error && typeof error.message === 'string' ? { message: error.message } : {}),
    ...('params' in error && typeof error.params === 'object' && error.params ? { params: { ...error.params } } : {}),
  }
}
