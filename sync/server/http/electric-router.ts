import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type Request, type Response, type Router } from 'express'
import type { Reasons } from '../shape/invalid-shape.ts'
import type { ShapeServer } from '../shape-server.ts'
import { parseReadRequest } from './parse-read-request.ts'
import { parseSource } from './parse-source.ts'
import { parseSubset, withBody } from './parse-subset.ts'
import { endWith } from './compress.ts'
import { sendEvents } from './event-stream.ts'
import { invalidRequest, json, type ShapeResponse } from './response.ts'

export interface ElectricRouterOptions {
  server: Pick<ShapeServer, 'read' | 'remove' | 'status'>
  /** ELECTRIC_SECRET. Without one the whole router answers 404. */
  secret: string | undefined
  /** A reader who takes nothing of an answer for so long is cut off. */
  stalledMs?: number | undefined
}

const EXPOSED =
  'electric-cursor, electric-handle, electric-has-data, electric-offset, electric-schema, electric-up-to-date, electric-internal-known-error, retry-after'
const METHODS = 'GET, HEAD, POST, DELETE, OPTIONS'

/**
 * Electric's own HTTP protocol, to be mounted at the root of the application: `/v1/shape` and `/v1/health`
 * (https://electric-sql.com/openapi.html). Requests for other paths pass through untouched; so do near misses of these
 * two (`//v1/shape`, `/v1/%73hape`), which end as 404 further on: the path is compared as it was sent.
 */
export function electricRouter({ server, secret, stalledMs }: ElectricRouterOptions): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use(['/v1/shape', '/v1/health'], (request, response, next) => {
    const [path = ''] = request.originalUrl.split('?', 1)
    if (!secret || (path !== '/v1/shape' && path !== '/v1/health')) return notFound(response)
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
    response.setHeader('access-control-expose-headers', EXPOSED)
    response.setHeader('access-control-allow-methods', METHODS)
    if (request.method === 'OPTIONS') {
      const asked = request.headers['access-control-request-headers']
      if (asked !== undefined) response.setHeader('access-control-allow-headers', asked)
      response.setHeader('access-control-max-age', '86400')
      return response.status(204).end()
    }
    next()
  })
  router.get('/v1/health', (_request, response) => {
    const { state } = server.status()
    response.setHeader('cache-control', 'no-cache, no-store, must-revalidate')
    response.status(state === 'up' ? 200 : 202).json({ status: HEALTH[state] })
  })
  const shape = (request: Request, response: Response): Promise<void> =>
    serveShape({ server, secret: secret ?? '', stalledMs }, request, response)
  router.get('/v1/shape', shape)
  router.post('/v1/shape', express.json({ limit: '64kb' }), shape)
  router.delete('/v1/shape', (request, response) => removeShape(server, secret ?? '', request, response))
  router.use('/v1/shape', (_request, response) => notFound(response))
  return router
}

const UNAUTHORISED = json(401, { message: 'Unauthorized' }, { 'cache-control': 'no-store' })
const HEALTH = { up: 'active', degraded: 'starting', down: 'waiting' } as const

async function serveShape(
  { server, secret, stalledMs }: { server: Pick<ShapeServer, 'read'>; secret: string; stalledMs: number | undefined },
  request: Request,
  response: Response,
): Promise<void> {
  const query = new Map(new URL(request.originalUrl, 'http://localhost').searchParams)
  if (!authorised(query, secret)) return send(request, response, UNAUTHORISED)
  const parameters = withBody(query, request.body)
  const position = parseReadRequest((name) => parameters.get(name))
  const source = parseSource(parameters)
  const part = parseSubset(parameters)
  if ('errors' in source || 'errors' in position || 'errors' in part)
    return send(request, response, invalidRequest(allErrors(part, source, position)))
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const ifNoneMatch = request.headers['if-none-match']
  const read = { ...position.request, ifNoneMatch, subset: part.subset }
  const { signal } = gone
  const answer =
    read.sse && !read.subset && request.method === 'GET'
      ? await sendEvents(response, { server, source: source.source, request: read, signal })
      : await server.read(source.source, { ...read, sse: false }, signal)
  if (!answer || signal.aborted) return
  await send(request, response, request.method === 'POST' ? uncached(answer) : answer, stalledMs)
}

async function removeShape(
  server: Pick<ShapeServer, 'remove'>,
  secret: string,
  request: Request,
  response: Response,
): Promise<void> {
  const query = new Map(new URL(request.originalUrl, 'http://localhost').searchParams)
  if (!authorised(query, secret)) return send(request, response, UNAUTHORISED)
  const handle = query.get('handle') || undefined
  if (!query.has('table') && handle !== undefined)
    return send(request, response, await server.remove(undefined, handle))
  const source = parseSource(query)
  if ('errors' in source) return send(request, response, invalidRequest(source.errors))
  return send(request, response, await server.remove(source.source, handle))
}

function allErrors(...parsed: (object | { errors: Reasons })[]): Reasons {
  return Object.assign({}, ...parsed.map((one) => ('errors' in one ? one.errors : {})))
}

function authorised(parameters: ReadonlyMap<string, string>, secret: string): boolean {
  const given = parameters.get('secret') ?? parameters.get('api_secret') ?? ''
  // Digests have one length, so the comparison tells nothing about the secret's.
  return timingSafeEqual(digest(given), digest(secret))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function uncached(answer: ShapeResponse): ShapeResponse {
  return { ...answer, headers: { ...answer.headers, 'cache-control': 'no-cache' } }
}

function send(
  request: Request,
  response: Response,
  { status, headers, body }: ShapeResponse,
  stalledMs?: number,
): Promise<void> {
  response.status(status)
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  return endWith(request, response, body, stalledMs)
}

function notFound(response: Response): void {
  response.status(404).json({ message: 'Not found' })
}
