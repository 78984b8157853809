import type { Reasons } from '../shape/invalid-shape.ts'
import type { Body } from './page-body.ts'

/** An answer of the shape protocol, whichever way it travels. Header names are lower case. */
export interface ShapeResponse {
  status: number
  headers: Record<string, string>
  body: Body
}

export const NEVER_STORED = { 'cache-control': 'no-store', 'surrogate-control': 'no-store' }

/** 400 with the reasons by parameter, in Electric's form. */
export function invalidRequest(errors: Reasons, status = 400): ShapeResponse {
  return json(status, { message: 'Invalid request', errors }, NEVER_STORED)
}

/** Tells a reader to start anew; `handle` is any handle that is not the one they had. */
export function mustRefetch(handle: string, asked: boolean): ShapeResponse {
  return json(409, [{ headers: { control: 'must-refetch' } }], {
    'electric-handle': handle,
    'cache-control': `public, max-age=${asked ? 60 : 1}, must-revalidate`,
  })
}

/** 503 that the client repeats after `seconds`. */
export function unavailable(seconds: number, body: object): ShapeResponse {
  return json(503, body, { ...NEVER_STORED, 'retry-after': String(seconds) })
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): ShapeResponse {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  }
}
