import { isErrorCode, operationalError, userError, type AppError } from '../../shared/kernel/errors.ts'
import type { PushFailure } from '../core/retry.ts'
import type { Mutation, PushReply } from '../protocol/push.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import type { Identity } from './identity.ts'

/** Longest wait for an answer, ms. */
const DEADLINE_MS = 30_000

/** Runs a named query on the server: rows as JSON. Throws AppErrors only. */
export async function queryServer(name: string, params: unknown): Promise<Record<string, unknown>[]> {
  const response = await post(`/api/query/${name}`, { params }).catch(() => {
    throw operationalError('server/unavailable')
  })
  if (!response.ok) throw await errorOf(response)
  const body: unknown = await response.json().catch(() => undefined)
  if (typeof body === 'object' && body !== null && 'rows' in body && Array.isArray(body.rows)) return body.rows
  throw operationalError('server/unavailable')
}

/**
 * One push. Answers with results, or with how it failed; never throws. `take` is asked what to send when nothing else
 * stands in the way: what it gives may be known to the server from then on, and without a line it is not asked.
 */
export async function pushServer(
  identity: Identity,
  device_id: string,
  take: () => Promise<readonly Mutation[]>,
): Promise<{ ok: true; reply: PushReply } | { ok: false; failure: PushFailure }> {
  try {
    if (!(await identity.isOurs())) return { ok: false, failure: { kind: 'http', status: 401 } }
    const mutations = await take()
    if (mutations.length === 0) return { ok: true, reply: { results: [] } }
    const response = await post('/api/sync/push', { protocol: PROTOCOL_VERSION, device_id, mutations })
    if (response.status === 401) identity.doubt()
    if (!response.ok) return { ok: false, failure: await failureOf(response) }
    const reply = replyOf(await response.json())
    return reply ? { ok: true, reply } : { ok: false, failure: { kind: 'network' } }
  } catch {
    // the next one asks who we are first: without a line it does not get as far as its mutations
    identity.doubt()
    return { ok: false, failure: { kind: 'network' } }
  }
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
}

/** A captive portal answers 200 with a page: only a well-formed reply counts. */
function replyOf(body: unknown): PushReply | undefined {
  if (typeof body !== 'object' || body === null || !('results' in body) || !Array.isArray(body.results))
    return undefined
  const good = body.results.every(
    (result: unknown) => typeof result === 'object' && result !== null && 'id' in result && 'status' in result,
  )
  if (!good) return undefined
  return 'now' in body && typeof body.now === 'number'
    ? { results: body.results, now: body.now }
    : { results: body.results }
}

async function failureOf(response: Response): Promise<PushFailure> {
  const { code, params } = await errorBody(response)
  const seconds = Number(response.headers.get('retry-after'))
  return {
    kind: 'http',
    status: response.status,
    code,
    params,
    ...(seconds > 0 ? { retry_after_ms: seconds * 1000 } : {}),
  }
}

async function errorOf(response: Response): Promise<AppError> {
  const { code } = await errorBody(response)
  const known = isErrorCode(code) ? code : response.status === 401 ? 'auth/required' : 'server/unavailable'
  return response.status >= 500 ? operationalError(known) : userError(known)
}

async function errorBody(response: Response): Promise<{ code?: string; params?: Record<string, unknown> }> {
  const body: unknown = await response.json().catch(() => undefined)
  if (typeof body !== 'object' || body === null || !('error' in body)) return {}
  const { error } = body
  if (typeof error !== 'object' || error === null) return {}
  return {
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    ...('params' in error && typeof error.params === 'object' && error.params ? { params: { ...error.params } } : {}),
  }
}
