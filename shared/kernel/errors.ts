/**
 * Errors are values with a code. `user` errors are shown, `operational` ones are retried, `bug` ones are reported.
 * The client turns `code` + `params` into a sentence; `message` is for logs and API users and never carries a secret.
 */
export type ErrorKind = 'user' | 'operational' | 'bug'

/** Every code the product can answer with, and the HTTP status it travels under. The single list: add here first. */
export const ERROR_STATUS = {
  'request/invalid': 400,
  'request/malformed-json': 400,
  'request/too-large': 413,
  'request/not-found': 404,
  'request/rate-limited': 429,
  'request/wrong-host': 421,
  'request/timed-out': 408,
  'auth/required': 401,
  'auth/forbidden': 403,
  'auth/bad-origin': 403,
  'auth/wrong-password': 401,
  'auth/email-taken': 422,
  'auth/sign-up-closed': 403,
  'auth/setup-done': 409,
  'auth/setup-token': 403,
  'sync/unknown-mutation': 400,
  'sync/unknown-query': 404,
  'sync/unknown-shape': 404,
  'sync/device-of-another-user': 403,
  'sync/client-too-old': 426,
  'sync/server-too-old': 503,
  'row/not-found': 404,
  'row/exists': 409,
  'row/too-large': 413,
  'row/invalid': 400,
  'chat/deleted': 409,
  'chat/parent-missing': 409,
  'chat/not-editable': 409,
  'chat/still-running': 409,
  'agent/not-runnable': 403,
  'agent/not-found': 404,
  'agent/not-yours': 403,
  'agent/deleted': 409,
  'agent/nothing-to-submit': 409,
  'agent/already-submitted': 409,
  'agent/draft-conflict': 409,
  'agent/open-conflicts': 409,
  'agent/conflict-settled': 409,
  'agent/conflict-moved': 409,
  'workflow/invalid': 400,
  'review/own-agent': 403,
  'review/decided': 409,
  'review/reason-required': 400,
  'store/not-published': 404,
  'store/rate-after-use': 409,
  'run/not-found': 404,
  'run/quota': 429,
  'run/lost': 500,
  'run/node-failed': 500,
  'run/timed-out': 504,
  'model/unavailable': 502,
  'model/refused': 502,
  'model/rate-limited': 503,
  'model/timed-out': 504,
  'model/interrupted': 502,
  'model/bad-answer': 502,
  'model/not-found': 404,
  'key/invalid': 401,
  'device/full': 507,
  'device/keeps-nothing': 503,
  'server/unavailable': 503,
  'server/bug': 500,
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof ERROR_STATUS
export function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_STATUS, code)
}

export type ErrorParams = Record<string, string | number | boolean | null | undefined | string[]>

/** What travels in `{ error: … }` bodies, rejections and run records. */
export interface ErrorValue {
  code: ErrorCode
  message: string
  params?: ErrorParams | undefined
  request_id?: string | undefined
}

export class AppError extends Error {
  readonly kind: ErrorKind
  readonly code: ErrorCode
  readonly params: ErrorParams

  constructor(kind: ErrorKind, code: ErrorCode, params: ErrorParams = {}, message: string = code) {
    super(message)
    this.name = 'AppError'
    this.kind = kind
    this.code = code
    this.params = params
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }

  toValue(): ErrorValue {
    return { code: this.code, message: this.message, params: this.params }
  }
}

/** The caller did something that cannot be done; the answer tells them what. */
export function userError(code: ErrorCode, params?: ErrorParams, message?: string): AppError {
  return new AppError('user', code, params, message)
}

/** The world is in the way (network, model, disk): worth a retry. */
export function operationalError(code: ErrorCode, params?: ErrorParams, message?: string): AppError {
  return new AppError('operational', code, params, message)
}

/** Any thrown thing as an AppError: what we do not know is a bug. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('bug', 'server/bug', {}, error instanceof Error ? error.message : String(error))
}
