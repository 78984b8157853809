import { Type, type TObject, type TSchema } from 'typebox'
import { CAPS } from '../../../shared/kernel/caps.ts'
import { dictionary, nothing, nullable, oneOf } from '../../../shared/kernel/shapes.ts'
import type { Endpoint, Method } from '../../../shared/kernel/endpoint.ts'
import { ENDPOINTS } from '../../../shared/endpoints.ts'
import { MUTATORS, QUERIES } from '../../../shared/registry.ts'
import { mutation, pushBody, pushReply } from '../../../sync/protocol/push.ts'
import { SHAPE_NAMES } from '../../../sync/protocol/shapes.ts'
import { chatRequest } from '../../chat/index.ts'
import type { Tag } from './words.ts'

/** An operation as far as it can be described: a contract, where it belongs, and what is not JSON about it. */
export interface Operation {
  id: string
  tag: Tag
  method: Method
  /** Express path. */
  path: string
  /** `public`, a permission, or one of the other ways in. */
  access: string
  params: TObject
  query: TObject
  body: TSchema
  reply: TSchema
  /** Of the reply, where it is not JSON. */
  replyType?: string
  /** Another status that has the same reply. */
  alsoStatus?: number
  errors?: 'openai' | 'electric'
}

type Partial = Pick<Operation, 'id' | 'tag' | 'method' | 'path' | 'access'> & {
  [K in 'params' | 'query']?: TObject
} & { [K in 'body' | 'reply']?: TSchema } & Pick<Operation, 'replyType' | 'alsoStatus' | 'errors'>

const operation = (partial: Partial): Operation => ({
  params: nothing,
  query: nothing,
  body: nothing,
  reply: nothing,
  ...partial,
})

/** Every operation of the HTTP surface but better-auth's, which describes itself. */
export function operations(): Operation[] {
  return [...ENDPOINTS.map(ofContract), ...openAiOperations, ...syncOperations(), ...openOperations]
}

const TAG_OF_MODULE: Readonly<Record<string, Tag>> = {
  setup: 'session',
  session: 'session',
  key: 'key',
  user: 'admin',
  setting: 'admin',
  agent: 'agent',
  review: 'review',
  store: 'store',
  run: 'run',
  model: 'run',
}

function ofContract(contract: Endpoint): Operation {
  const { id, method, path, access, params, query, body, reply } = contract
  return { id, method, path, access, params, query, body, reply, tag: TAG_OF_MODULE[id.split('.')[0] ?? ''] ?? 'run' }
}

const usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
})

const openAiOperations = [
  operation({
    id: 'openai.models',
    tag: 'openai',
    method: 'GET',
    path: '/v1/models',
    access: 'key',
    errors: 'openai',
    reply: Type.Object({
      object: Type.Literal('list'),
      data: Type.Array(
        Type.Object({
          id: Type.String(),
          object: Type.Literal('model'),
          created: Type.Integer(),
          owned_by: Type.String(),
        }),
      ),
    }),
  }),
  operation({
    id: 'openai.chat',
    tag: 'openai',
    method: 'POST',
    path: '/v1/chat/completions',
    access: 'key',
    errors: 'openai',
    body: chatRequest,
    reply: Type.Object({
      id: Type.String(),
      object: Type.Literal('chat.completion'),
      created: Type.Integer(),
      model: Type.String(),
      choices: Type.Array(
        Type.Object({
          index: Type.Integer(),
          message: Type.Object({ role: Type.Literal('assistant'), content: Type.String() }),
          finish_reason: oneOf(['stop', 'length']),
        }),
      ),
      usage,
    }),
  }),
]

/** Parameters that say where a reader stands (https://electric-sql.com/openapi.html). */
const position = {
  offset: Type.String(),
  handle: Type.Optional(Type.String()),
  live: Type.Optional(oneOf(['true', 'false'])),
  cursor: Type.Optional(Type.String()),
}

/** Values travel as Postgres writes them. */
const shapeMessages = Type.Array(
  Type.Object({
    key: Type.Optional(Type.String()),
    value: Type.Optional(dictionary(nullable(Type.String()))),
    headers: Type.Object({
      operation: Type.Optional(oneOf(['insert', 'update', 'delete'])),
      control: Type.Optional(oneOf(['up-to-date', 'must-refetch', 'snapshot-end'])),
    }),
  }),
)

function syncOperations(): Operation[] {
  const variants = Object.values(MUTATORS).map(({ name, args }) =>
    Type.Object({ name: Type.Literal(name), args }, { title: name }),
  )
  const queries = Object.values(QUERIES).map(({ name, params }) => Type.Object({ params }, { title: name }))
  return [
    operation({
      id: 'sync.push',
      tag: 'sync',
      method: 'POST',
      path: '/api/sync/push',
      access: 'sync:push',
      body: Type.Object({
        ...pushBody.properties,
        mutations: Type.Array(Type.Object(mutation.properties, { anyOf: variants }), {
          minItems: 1,
          maxItems: CAPS.mutations,
        }),
      }),
      reply: pushReply,
    }),
    operation({
      id: 'sync.query',
      tag: 'sync',
      method: 'POST',
      path: '/api/query/:name',
      access: 'sync:read',
      params: Type.Object({ name: oneOf(Object.keys(QUERIES)) }),
      body: Type.Union(queries),
      reply: Type.Object({ rows: Type.Array(dictionary(Type.Unknown())) }),
    }),
    operation({
      id: 'sync.shape',
      tag: 'sync',
      method: 'GET',
      path: '/api/sync/shapes/:name',
      access: 'sync:read',
      params: Type.Object({ name: oneOf(SHAPE_NAMES) }),
      query: Type.Object({ ...position, epoch: Type.Optional(Type.String()) }),
      reply: shapeMessages,
      errors: 'electric',
    }),
    operation({
      id: 'electric.shape',
      tag: 'electric',
      method: 'GET',
      path: '/v1/shape',
      access: 'electric',
      query: Type.Object({
        table: Type.String(),
        ...position,
        columns: Type.Optional(Type.String()),
        where: Type.Optional(Type.String()),
        params: Type.Optional(Type.String()),
        replica: Type.Optional(oneOf(['default', 'full'])),
        live_sse: Type.Optional(oneOf(['true', 'false'])),
        secret: Type.String(),
      }),
      reply: shapeMessages,
      errors: 'electric',
    }),
    operation({
      id: 'electric.health',
      tag: 'electric',
      method: 'GET',
      path: '/v1/health',
      access: 'electric',
      reply: Type.Object({ status: oneOf(['active', 'starting', 'waiting']) }),
      alsoStatus: 202,
      errors: 'electric',
    }),
  ]
}

const part = Type.Object({ state: oneOf(['up', 'degraded', 'down']), reason: Type.Optional(Type.String()) })
const text = Type.String()

const openOperations = [
  operation({
    id: 'health',
    tag: 'operation',
    method: 'GET',
    path: '/api/health',
    access: 'public',
    reply: Type.Object({ status: Type.Literal('ok') }),
  }),
  operation({
    id: 'ready',
    tag: 'operation',
    method: 'GET',
    path: '/api/ready',
    access: 'public',
    reply: Type.Object({ status: oneOf(['ready', 'down']), parts: dictionary(part) }),
    alsoStatus: 503,
  }),
  operation({
    id: 'metrics',
    tag: 'operation',
    method: 'GET',
    path: '/metrics',
    access: 'operator',
    reply: text,
    replyType: 'text/plain',
  }),
  operation({
    id: 'api.document',
    tag: 'operation',
    method: 'GET',
    path: '/api/openapi.json',
    access: 'public',
    query: Type.Object({ lang: Type.Optional(oneOf(['zh', 'en'])) }),
    reply: Type.Object({ openapi: text }),
  }),
  operation({
    id: 'api.page',
    tag: 'operation',
    method: 'GET',
    path: '/api/docs',
    access: 'public',
    query: Type.Object({ lang: Type.Optional(oneOf(['zh', 'en'])) }),
    reply: text,
    replyType: 'text/html',
  }),
]
