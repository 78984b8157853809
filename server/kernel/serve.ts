import { randomUUID } from 'node:crypto'
import type { Static, TObject, TSchema } from 'typebox'
import type { Endpoint } from '../../shared/kernel/endpoint.ts'
import { AppError, toAppError, userError } from '../../shared/kernel/errors.ts'
import { mayDo } from '../../shared/identity/permissions.ts'
import { sqlState } from './db.ts'
import {
  createRouter,
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from './http.ts'
import type { Log } from './log.ts'
import type { Actor, FindActor } from './request.ts'
import { requireTrimmed, requireValid } from './validate.ts'

export { createRouter, type Router }

/** What a handler is given: validated parts and who asks. */
export interface Call<P extends TObject, Q extends TObject, B extends TSchema> {
  params: Static<P>
  query: Static<Q>
  body: Static<B>
  request: Request
  request_id: string
}

export interface ServeContext {
  findActor: FindActor
  log: Log
  /** Writes a refusal into the audit log, in a transaction of its own. */
  auditRefusal: (actor: Actor | undefined, action: string, code: string, request_id: string) => void
}

/**
 * Binds a contract to its handler: who may call, validation, the reply as JSON. Curried, because with the handler as
 * a third argument TypeScript widens its literals and refuses them.
 */
export function serve<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema>(
  router: Router,
  context: ServeContext,
  contract: Endpoint<P, Q, B, R>,
) {
  return (handler: (call: Call<P, Q, B> & { actor: Actor }) => Promise<Static<R>>): void => {
    bind(
      router,
      contract,
      (request, id) => requireActor(context, contract, request, id),
      (call, actor) => handler({ ...call, actor }),
    )
  }
}

/** The same for a contract whose access is `public`: the actor may be missing. */
export function servePublic<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema>(
  router: Router,
  context: ServeContext,
  contract: Endpoint<P, Q, B, R>,
) {
  return (
    handler: (call: Call<P, Q, B> & { actor: Actor | undefined; response: Response }) => Promise<Static<R>>,
  ): void => {
    bind(
      router,
      contract,
      (request) => context.findActor(request.headers),
      (call, actor, response) => handler({ ...call, actor, response }),
    )
  }
}

async function requireActor(
  context: ServeContext,
  contract: { access: string; id: string },
  request: Request,
  request_id: string,
): Promise<Actor> {
  const actor = await context.findActor(request.headers)
  if (!actor) throw userError('auth/required')
  if (!mayDo(actor.roles, contract.access)) {
    context.auditRefusal(actor, contract.id, 'auth/forbidden', request_id)
    throw userError('auth/forbidden', { permission: contract.access })
  }
  return actor
}

/** Rights first, then input: who may not call learns nothing of what a call looks like. */
function bind<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema, A>(
  router: Router,
  contract: Endpoint<P, Q, B, R>,
  authorize: (request: Request, request_id: string) => Promise<A>,
  handle: (call: Call<P, Q, B>, actor: A, response: Response) => Promise<Static<R>>,
): void {
  const method = contract.method.toLowerCase()
  const handler: RequestHandler = async (request, response) => {
    const request_id = requestId(response)
    const actor = await authorize(request, request_id)
    const body: unknown = request.body ?? {}
    requireValid(contract.params, request.params, 'params')
    requireValid(contract.query, { ...request.query }, 'query')
    requireTrimmed(contract.body, body, 'body')
    const call = { params: request.params, query: { ...request.query }, body, request, request_id }
    // The three parts have just been checked against the schemas their types come from.
    const reply = await handle(call as unknown as Call<P, Q, B>, actor, response)
    response.setHeader('cache-control', 'private, no-store')
    response.json(reply)
  }
  if (method === 'get') router.get(contract.path, handler)
  else if (method === 'post') router.post(contract.path, handler)
  else if (method === 'put') router.put(contract.path, handler)
  else if (method === 'patch') router.patch(contract.path, handler)
  else router.delete(contract.path, handler)
}

/** Gives each request an id, which is in its log lines, its error body and the audit log. */
export function assignRequestId(): RequestHandler {
  return (_request, response, next) => {
    response.locals['request_id'] = randomUUID()
    response.setHeader('x-request-id', requestId(response))
    next()
  }
}

export function requestId(response: Response): string {
  const id: unknown = response.locals['request_id']
  return typeof id === 'string' ? id : ''
}

/** Turns anything thrown into `{ error: … }`. Bugs are logged with their stack and answered without it. */
export function answerErrors(log: Log): ErrorRequestHandler {
  return (thrown: unknown, request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(thrown)
      return
    }
    const error = requestError(thrown) ?? toAppError(thrown)
    const request_id = requestId(response)
    if (error.kind === 'bug') {
      log.error({ event: 'http.bug', request_id, method: request.method, path: request.path, error: describe(thrown) })
    } else if (error.kind === 'operational') {
      log.warn({ event: 'http.trouble', request_id, path: request.path, code: error.code, reason: error.message })
    }
    const message = publicMessage(error)
    response.setHeader('cache-control', 'no-store')
    response.status(error.status).json({ error: { code: error.code, message, params: error.params, request_id } })
  }
}

/** What a caller may read: our own faults and those of the database name files, hosts and code, for the log only. */
export function publicMessage(error: AppError): string {
  if (error.kind === 'bug') return 'something went wrong on the server'
  return error.code === 'server/unavailable' ? 'not available at the moment, try again' : error.message
}

/** Errors of the body parser, of addresses and of values the database cannot hold, in our codes. */
export function requestError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return undefined
  if (thrown instanceof URIError) return userError('request/invalid', { reason: 'malformed address' })
  // Class 22, data exception: text that Postgres cannot hold, such as NUL, got past a schema.
  if (sqlState(thrown)?.startsWith('22'))
    return userError('request/invalid', { reason: 'a value that cannot be stored' })
  return parserError(thrown)
}

/** The body parser puts a status on whatever keeps it from reading; what is not the client's fault has none of 4xx. */
function parserError(thrown: unknown): AppError | undefined {
  if (!(thrown instanceof Error) || !('status' in thrown) || typeof thrown.status !== 'number') return undefined
  if (thrown.status < 400 || thrown.status > 499) return undefined
  if (thrown.status === 413) return userError('request/too-large', {}, 'the body is too large')
  const type = 'type' in thrown && typeof thrown.type === 'string' ? thrown.type : ''
  if (type === 'entity.parse.failed') return userError('request/malformed-json', {}, 'the body is not valid JSON')
  return userError('request/invalid', { reason: type || 'body' }, 'the body cannot be read')
}

/** SQL errors carry the failing row in `detail`: people's content, which stays out of the log. */
function describe(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { message: String(thrown) }
  return {
    name: thrown.name,
    message: thrown.message,
    code: 'code' in thrown ? thrown.code : undefined,
    stack: thrown.stack,
  }
}
