import type { Static, TObject, TSchema } from 'typebox'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Who may call: anyone at all, or a signed-in person whose role holds the permission (`shared/identity/permissions.ts`). */
export type Access = 'public' | (string & {})

/**
 * The contract of one HTTP endpoint, read by the server (`serve`), the client (`call`), the permission walk and the
 * API description.
 */
export interface Endpoint<
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
> {
  readonly id: string
  readonly method: Method
  /** Express path, e.g. `/api/agents/:agent_id/submit`. */
  readonly path: string
  readonly access: Access
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly reply: R
}

export function endpoint<
  const P extends TObject,
  const Q extends TObject,
  const B extends TSchema,
  const R extends TSchema,
>(definition: Endpoint<P, Q, B, R>): Endpoint<P, Q, B, R> {
  return definition
}

export type EndpointParams<E> = E extends Endpoint<infer P, TObject, TSchema, TSchema> ? Static<P> : never
export type EndpointQuery<E> = E extends Endpoint<TObject, infer Q, TSchema, TSchema> ? Static<Q> : never
export type EndpointBody<E> = E extends Endpoint<TObject, TObject, infer B, TSchema> ? Static<B> : never
export type EndpointReply<E> = E extends Endpoint<TObject, TObject, TSchema, infer R> ? Static<R> : never
