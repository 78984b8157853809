import { Type, type Static } from 'typebox'
import { CAPS } from '../../shared/kernel/caps.ts'
import { dictionary } from '../../shared/kernel/shapes.ts'

/** One queued mutation, as it left the outbox. */
export const mutation = Type.Object({
  id: Type.String({ format: 'uuid' }),
  /** Position in this device's outbox: rises, may have gaps. */
  seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  name: Type.String({ minLength: 1, maxLength: 64 }),
  version: Type.Integer({ minimum: 1, maximum: 1000 }),
  args: dictionary(Type.Unknown()),
  hlc: Type.String({ maxLength: 64 }),
  /** ISO time at which the person acted. */
  created_at: Type.String({ format: 'date-time' }),
})
export type Mutation = Static<typeof mutation>

export const pushBody = Type.Object({
  protocol: Type.Integer(),
  device_id: Type.String({ format: 'uuid' }),
  mutations: Type.Array(mutation, { minItems: 1, maxItems: CAPS.mutations }),
})
export type PushBody = Static<typeof pushBody>

export const mutationResult = Type.Object({
  id: Type.String(),
  status: Type.Union([Type.Literal('applied'), Type.Literal('duplicate'), Type.Literal('rejected')]),
  /** Of a rejection, now or (with `duplicate`) at the first time. */
  error: Type.Optional(Type.Object({ code: Type.String(), params: Type.Optional(dictionary(Type.Unknown())) })),
})
export type MutationResult = Static<typeof mutationResult>

/** Results in the order of the mutations. A server in trouble answers 5xx for the whole push, which is then repeated. */
export const pushReply = Type.Object({
  results: Type.Array(mutationResult),
  /** Server's wall time after the last of them, ms since the epoch. */
  now: Type.Optional(Type.Number()),
})
export type PushReply = Static<typeof pushReply>
