import { fromNodeHeaders } from 'better-auth/node'
import { ERROR_STATUS, operationalError, userError, type AppError, type ErrorCode } from '../../shared/kernel/errors.ts'
import type { Request as NodeRequest, RequestHandler, Response as NodeResponse } from '../kernel/http.ts'
import { requestId } from '../kernel/serve.ts'
import type { Auth } from './auth.ts'

/**
 * What of better-auth is open. All else it brings (mails, other providers, deletion of accounts) has nothing behind it
 * here, and does not exist.
 */
export const AUTH_PATHS: readonly string[] = [
  '/sign-up/email',
  '/sign-in/email',
  '/sign-out',
  '/get-session',
  '/update-user',
  '/change-password',
  '/list-sessions',
  '/revoke-session',
  '/revoke-sessions',
  '/revoke-other-sessions',
  '/ok',
]

/** better-auth's codes that mean more than their status says, in ours. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  INVALID_EMAIL_OR_PASSWORD: 'auth/wrong-password',
  USER_ALREADY_EXISTS: 'auth/email-taken',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'auth/email-taken',
}

/** `/api/auth/*`: the body has been read by now. Its errors are answered in our shape, beside better-auth's own. */
export function createAuthHandler(auth: Auth, baseUrl: string): RequestHandler {
  return async (request, response) => {
    const path = request.path.slice('/api/auth'.length)
    if (!AUTH_PATHS.includes(path)) throw userError('request/not-found')
    const answer = await auth.handler(webRequest(request, baseUrl))
    response.status(answer.status)
    for (const [name, value] of answer.headers)
      if (name !== 'set-cookie' && name !== 'content-length') response.setHeader(name, value)
    const cookies = answer.headers.getSetCookie()
    if (cookies.length > 0) response.setHeader('set-cookie', cookies)
    response.setHeader('cache-control', 'private, no-store')
    if (answer.status < 400) response.end(await answer.text())
    else refuse(response, answer.status, await answer.json().catch(() => undefined))
  }
}

function webRequest(request: NodeRequest, baseUrl: string): Request {
  const headers = fromNodeHeaders(request.headers)
  for (const name of ['content-length', 'transfer-encoding', 'connection', 'expect']) headers.delete(name)
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  return new Request(new URL(request.originalUrl, baseUrl), {
    method: request.method,
    headers,
    ...(hasBody && { body: JSON.stringify(request.body ?? {}) }),
  })
}

function refuse(response: NodeResponse, status: number, body: unknown): void {
  const { code, message } = theirs(body)
  const error = errorOf(status, code, message)
  const request_id = requestId(response)
  response.status(error.status)
  response.json({ code, message, error: { ...error.toValue(), request_id } })
}

function theirs(body: unknown): { code: string; message: string } {
  if (typeof body !== 'object' || body === null) return { code: '', message: '' }
  return {
    code: 'code' in body && typeof body.code === 'string' ? body.code : '',
    message: 'message' in body && typeof body.message === 'string' ? body.message : '',
  }
}

function errorOf(status: number, code: string, message: string): AppError {
  if (status >= 500) return operationalError('server/unavailable', {}, 'sign-in is not possible at the moment')
  if (isOurs(code)) return userError(code, {}, message)
  const known = CODES[code] ?? BY_STATUS[status] ?? 'request/invalid'
  return userError(known, known === 'request/invalid' ? { reason: code } : {}, message)
}

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'auth/required',
  403: 'auth/forbidden',
  404: 'request/not-found',
  429: 'request/rate-limited',
}

/** Our own hooks speak our codes. */
function isOurs(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code)
}
