import { userError, type AppError } from '../../shared/kernel/errors.ts'
import { errorOf } from '../app/call.ts'

/** What better-auth answers, as a key of `identity.problem`, when it is not one of our own codes. */
const PROBLEMS: Readonly<Record<string, string>> = {
  INVALID_EMAIL_OR_PASSWORD: 'wrong-password',
  INVALID_PASSWORD: 'wrong-password',
  INVALID_EMAIL: 'bad-email',
  USER_ALREADY_EXISTS: 'taken',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'taken',
  PASSWORD_TOO_SHORT: 'password-short',
  PASSWORD_TOO_LONG: 'password-long',
  BANNED_USER: 'disabled',
}

export type AuthResult = { ok: true } | { ok: false; problem: string } | { ok: false; error: AppError }

export function signIn(email: string, password: string): Promise<AuthResult> {
  return post('/api/auth/sign-in/email', { email, password, rememberMe: true })
}

export function signUp(name: string, email: string, password: string): Promise<AuthResult> {
  return post('/api/auth/sign-up/email', { name, email, password })
}

/** Changes one's own password, and ends every other session: whoever knew the old one is out. */
export function changePassword(current: string, next: string): Promise<AuthResult> {
  const body = { currentPassword: current, newPassword: next, revokeOtherSessions: true }
  return post('/api/auth/change-password', body)
}

/** better-auth speaks its own error shape, `{code, message}`; ours is `{error: {code}}`. */
async function post(path: string, body: object): Promise<AuthResult> {
  const response = await fetch(path, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => undefined)
  if (!response) return { ok: false, error: userError('server/unavailable') }
  if (response.ok) return { ok: true }
  const answer: unknown = await response.json().catch(() => undefined)
  return failureOf(response.status, answer)
}

export function failureOf(status: number, answer: unknown): AuthResult {
  const code = typeof answer === 'object' && answer !== null && 'code' in answer ? String(answer.code) : ''
  const problem = PROBLEMS[code]
  if (problem) return { ok: false, problem }
  if (code.includes('/')) return { ok: false, error: errorOf(status, { error: { code } }) }
  if (status === 401) return { ok: false, problem: 'wrong-password' }
  return { ok: false, error: errorOf(status, answer) }
}
