import express, { type Express } from 'express'
import { endWith } from '../../sync/server/http/compress.ts'
import { requireProtocol } from '../../sync/server/require-protocol.ts'
import { pushBody, type PushBody } from '../../sync/protocol/push.ts'
import { mayDo, type Permission } from '../../shared/identity/permissions.ts'
import { CAPS } from '../../shared/kernel/caps.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { jsonBody, type Request, type RequestHandler } from '../kernel/http.ts'
import type { Log } from '../kernel/log.ts'
import { isSameOrigin, type OriginRules } from '../kernel/origin.ts'
import type { Actor, FindActor } from '../kernel/request.ts'
import { answerErrors, assignRequestId, type Router, type ServeContext } from '../kernel/serve.ts'
import { requireValid } from '../kernel/validate.ts'
import { requireHost } from './require-host.ts'
import { securityHeaders } from './security-headers.ts'
import { limitSignIn, limitSignUp } from './sign-in-limit.ts'
import type { ShapeReader } from './socket.ts'

export interface HttpDeps {
  log: Log
  /** Sees every request first. */
  measure: RequestHandler
  /** What guards itself and answers by whatever name it is called: health, figures, other processes of ours. */
  open: readonly RequestHandler[]
  /** Undefined in a process without people. */
  web: WebSurface | undefined
}

export interface WebSurface {
  context: ServeContext
  origins: OriginRules
  /** A proxy on this machine stands before us: it says whom it speaks for. */
  proxied: boolean
  /** better-auth's handler for `/api/auth/*`. */
  authHandler: RequestHandler
  /** Endpoints by contract, one router a module. */
  routers: readonly Router[]
  /** Whole surfaces that bring their own rules, such as `/v1/*`. They come before the cookie's origin check. */
  surfaces: readonly RequestHandler[]
  gateway: ShapeReader
  push: (actor: Actor, body: PushBody) => Promise<unknown>
  query: (actor: Actor, name: string, params: unknown) => Promise<unknown>
  client: RequestHandler
}

/** Puts the HTTP surface together, outermost first. */
export function createHttp({ log, measure, open, web }: HttpDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use(measure)
  app.use(assignRequestId())
  app.use(securityHeaders())
  app.use(refuseBodies)
  for (const surface of open) app.use(surface)
  if (web) webSurface(app, web)
  app.use((_request, _response, next) => next(userError('request/not-found')))
  app.use(answerErrors(log))
  return app
}

function webSurface(app: Express, web: WebSurface): void {
  // Else the limits on sign-in would take all the people behind it for one.
  app.set('trust proxy', web.proxied ? 'loopback' : false)
  app.use(requireHost(web.origins))
  app.use(web.client)
  for (const surface of web.surfaces) app.use(surface)
  app.use(refuseForeignOrigins(web.origins))
  authRoutes(app, web)
  app.use('/api/sync/push', jsonBody(CAPS.push))
  app.use('/api', jsonBody(CAPS.json))
  syncRoutes(app, web)
  for (const router of web.routers) app.use(router)
}

/** More than this is not even read to its end, bytes: the answer goes out at once, and the connection is closed. */
const HUGE = 16 * 1024 * 1024

/** Refuses bodies by what their headers say: on requests that have none, and those that nothing here would take. */
const refuseBodies: RequestHandler = (request, response, next) => {
  const length = Number(request.headers['content-length'] ?? 0)
  const hasBody = length > 0 || request.headers['transfer-encoding'] !== undefined
  if (hasBody && (request.method === 'GET' || request.method === 'HEAD'))
    return next(userError('request/invalid', { reason: 'a GET request has no body' }, 'a GET request has no body'))
  if (length <= HUGE) return next()
  response.setHeader('connection', 'close')
  next(userError('request/too-large', {}, 'the body is too large'))
}

/** Cookies travel with every request a browser makes, so what has side effects must come from our own pages. */
function refuseForeignOrigins(origins: OriginRules): RequestHandler {
  return (request, _response, next) => {
    const safe = request.method === 'GET' || request.method === 'HEAD'
    next(
      safe || isSameOrigin(origins, request.headers)
        ? undefined
        : userError('auth/bad-origin', { origin: request.headers.origin }),
    )
  }
}

/**
 * better-auth takes `/api/auth/./sign-in/email` for `/api/auth/sign-in/email` and a form for JSON; our limits on
 * sign-in, which see the address and the body as they were sent, would not.
 */
const refuseOtherSpellings: RequestHandler = (request, _response, next) => {
  const [path = ''] = request.originalUrl.split('?')
  if (new URL(path, 'http://server').pathname !== path) return next(userError('request/not-found'))
  const type = request.headers['content-type']
  if (type !== undefined && !/^application\/json\b/i.test(type))
    return next(userError('request/invalid', { reason: 'content-type' }))
  next()
}

function authRoutes(app: Express, deps: WebSurface): void {
  const json = express.json({ limit: 64 * 1024 })
  // better-auth reads the address from this header; a client's own is overwritten.
  const address: RequestHandler = (request, _response, next) => {
    request.headers['x-banyan-client-ip'] = request.ip ?? ''
    next()
  }
  app.use('/api/auth', refuseOtherSpellings)
  app.post('/api/auth/sign-in/email', json, ...limitSignIn(), address, deps.authHandler)
  app.post('/api/auth/sign-up/email', json, ...limitSignUp(), address, deps.authHandler)
  app.all('/api/auth/*splat', json, address, deps.authHandler)
}

function syncRoutes(app: Express, deps: WebSurface): void {
  const { findActor } = deps.context

  app.post('/api/sync/push', async (request, response) => {
    const actor = await requirePermission(findActor, request, 'sync:push')
    requireProtocolOf(request.body)
    requireValid(pushBody, request.body, 'body')
    response.setHeader('cache-control', 'private, no-store')
    // Checked against the schema the type comes from.
    response.json(await deps.push(actor, request.body as PushBody))
  })

  app.post('/api/query/:name', async (request, response) => {
    const actor = await requirePermission(findActor, request, 'sync:read')
    const body: unknown = request.body
    const params = typeof body === 'object' && body !== null && 'params' in body ? body.params : {}
    response.setHeader('cache-control', 'private, no-store')
    response.json(await deps.query(actor, request.params.name, params))
  })

  app.get('/api/sync/shapes/:name', async (request, response) => {
    const actor = await requirePermission(findActor, request, 'sync:read')
    const abort = new AbortController()
    // An abort makes an error with its stack, so only when somebody still waits.
    response.on('close', () => (response.writableFinished ? undefined : abort.abort()))
    const { status, headers, body } = await deps.gateway.handle(
      { shape: request.params.name, query: textQuery(request), user_id: actor.user_id, epoch: actor.epoch },
      abort.signal,
    )
    if (!abort.signal.aborted) await endWith(request, response.status(status).set(headers), body)
  })
}

/** Before the form is checked: that of another age would look like a mistake. */
function requireProtocolOf(body: unknown): void {
  const named = typeof body === 'object' && body !== null && 'protocol' in body ? body.protocol : undefined
  if (typeof named === 'number') requireProtocol(named)
}

async function requirePermission(findActor: FindActor, request: Request, permission: Permission): Promise<Actor> {
  const actor = await findActor(request.headers)
  if (!actor) throw userError('auth/required')
  if (!mayDo(actor.roles, permission)) throw userError('auth/forbidden', { permission })
  return actor
}

function textQuery(request: Request): Record<string, string> {
  const entries = Object.entries(request.query).map(([name, value]) => [
    name,
    Array.isArray(value) ? String(value[0]) : String(value),
  ])
  return Object.fromEntries(entries)
}
