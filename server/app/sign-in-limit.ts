import { ipKeyGenerator, rateLimit } from 'express-rate-limit'
import type { Request, RequestHandler } from 'express'
import { userError } from '../../shared/kernel/errors.ts'

const WINDOW_MS = 5 * 60_000

function emailOf(request: Request): string {
  const body: unknown = request.body
  if (typeof body !== 'object' || body === null || !('email' in body)) return ''
  return typeof body.email === 'string' ? body.email.trim().toLowerCase().slice(0, 320) : ''
}

const refuse: RequestHandler = (_request, _response, next) =>
  next(userError('request/rate-limited', { minutes: 5 }, 'too many attempts from this address'))

/**
 * Failed attempts only: ten a person and address in five minutes, fifty an address over all persons. A right password
 * does not count, so people behind one office address do not lock each other out.
 */
export function limitSignIn(): RequestHandler[] {
  const common = {
    windowMs: WINDOW_MS,
    skipSuccessfulRequests: true,
    standardHeaders: true,
    legacyHeaders: false,
    handler: refuse,
  }
  return [
    rateLimit({ ...common, limit: 10, keyGenerator: (request) => `${addressOf(request)} ${emailOf(request)}` }),
    rateLimit({ ...common, limit: 50, keyGenerator: addressOf }),
  ]
}

/**
 * New accounts an address in ten minutes: a hundred, and ten refused ones. A refusal tells that somebody has an account
 * with this e-mail, so nobody may ask about many.
 */
export function limitSignUp(): RequestHandler[] {
  const common = {
    windowMs: 2 * WINDOW_MS,
    standardHeaders: true,
    legacyHeaders: false,
    keyGenerator: addressOf,
    handler: refuse,
  }
  return [rateLimit({ ...common, limit: 10, skipSuccessfulRequests: true }), rateLimit({ ...common, limit: 100 })]
}

function addressOf(request: Request): string {
  return ipKeyGenerator(request.ip ?? '')
}
