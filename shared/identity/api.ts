import { Type, type Static } from 'typebox'
import { endpoint } from '../kernel/endpoint.ts'
import { nothing, nullable, oneOf, time, uuid } from '../kernel/shapes.ts'
import { ROLES } from './permissions.ts'

/** Sign-in, sign-up and sign-out are better-auth's, under `/api/auth/*`; these are ours. */

export const sessionUser = Type.Object({
  id: uuid,
  name: Type.String(),
  email: Type.String(),
  roles: Type.Array(oneOf(ROLES)),
  /** Part of shape addresses; rises when rights shrink. */
  epoch: Type.Integer(),
  created_at: time,
})
export type SessionUser = Static<typeof sessionUser>

/** What the interface must know before anything else; answers anybody. */
export const getSession = endpoint({
  id: 'session.get',
  method: 'GET',
  path: '/api/session',
  access: 'public',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({
    user: nullable(sessionUser),
    permissions: Type.Array(Type.String()),
    /** No administrator yet: show the set-up page. */
    setup_needed: Type.Boolean(),
    sign_up_open: Type.Boolean(),
    /** What answers when an agent names no model. `demo` is the labelled demonstration model. */
    model: Type.Object({ kind: oneOf(['openai', 'ollama', 'demo']), name: Type.String() }),
    version: Type.String(),
  }),
})

/** Makes the first administrator; `token` was printed at start. */
export const setUp = endpoint({
  id: 'setup.create',
  method: 'POST',
  path: '/api/setup',
  access: 'public',
  params: nothing,
  query: nothing,
  body: Type.Object({
    token: Type.String({ minLength: 1, maxLength: 200 }),
    name: Type.String({ minLength: 1, maxLength: 100 }),
    email: Type.String({ format: 'email', maxLength: 320 }),
    password: Type.String({ minLength: 10, maxLength: 128 }),
  }),
  reply: nothing,
})

export const sessionEntry = Type.Object({
  id: uuid,
  current: Type.Boolean(),
  user_agent: nullable(Type.String()),
  ip_address: nullable(Type.String()),
  created_at: time,
  updated_at: time,
})

export const listSessions = endpoint({
  id: 'session.list',
  method: 'GET',
  path: '/api/sessions',
  access: 'session:read',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({ sessions: Type.Array(sessionEntry) }),
})

/** Ends every session of the person, this one included. */
export const endAllSessions = endpoint({
  id: 'session.end-all',
  method: 'POST',
  path: '/api/sessions/end-all',
  access: 'session:revoke',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: nothing,
})

export const apiKeyEntry = Type.Object({
  id: uuid,
  name: Type.String(),
  /** First characters, to recognise it by. */
  prefix: Type.String(),
  created_at: time,
  expires_at: nullable(time),
  last_used_at: nullable(time),
})

export const listKeys = endpoint({
  id: 'key.list',
  method: 'GET',
  path: '/api/keys',
  access: 'key:read',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({ keys: Type.Array(apiKeyEntry) }),
})

/** `key` is shown this once; only its hash is kept. */
export const createKey = endpoint({
  id: 'key.create',
  method: 'POST',
  path: '/api/keys',
  access: 'key:create',
  params: nothing,
  query: nothing,
  body: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 100 }),
    expires_at: Type.Optional(Type.String({ format: 'date-time' })),
  }),
  reply: Type.Object({ id: uuid, key: Type.String() }),
})

export const revokeKey = endpoint({
  id: 'key.revoke',
  method: 'DELETE',
  path: '/api/keys/:id',
  access: 'key:revoke',
  params: Type.Object({ id: uuid }),
  query: nothing,
  body: nothing,
  reply: nothing,
})

export const userEntry = Type.Object({
  id: uuid,
  name: Type.String(),
  email: Type.String(),
  roles: Type.Array(oneOf(ROLES)),
  disabled_at: nullable(time),
  created_at: time,
})

export const listUsers = endpoint({
  id: 'user.list',
  method: 'GET',
  path: '/api/users',
  access: 'user:read',
  params: nothing,
  query: Type.Object({ q: Type.Optional(Type.String({ maxLength: 200 })) }),
  body: nothing,
  reply: Type.Object({ users: Type.Array(userEntry) }),
})

/** An administrator makes an account while sign-up is closed. */
export const createUser = endpoint({
  id: 'user.create',
  method: 'POST',
  path: '/api/users',
  access: 'user:update',
  params: nothing,
  query: nothing,
  body: Type.Object({
    name: Type.String({ minLength: 1, maxLength: 100 }),
    email: Type.String({ format: 'email', maxLength: 320 }),
    password: Type.String({ minLength: 10, maxLength: 128 }),
    roles: Type.Array(oneOf(ROLES), { minItems: 1, maxItems: 4 }),
  }),
  reply: Type.Object({ id: uuid }),
})

/** Changes roles or disables an account; sessions of the account end when its rights shrink. */
export const updateUser = endpoint({
  id: 'user.update',
  method: 'PATCH',
  path: '/api/users/:id',
  access: 'user:update',
  params: Type.Object({ id: uuid }),
  query: nothing,
  body: Type.Object({
    roles: Type.Optional(Type.Array(oneOf(ROLES), { minItems: 1, maxItems: 4 })),
    disabled: Type.Optional(Type.Boolean()),
  }),
  reply: userEntry,
})

export const getSettings = endpoint({
  id: 'setting.get',
  method: 'GET',
  path: '/api/settings',
  access: 'setting:update',
  params: nothing,
  query: nothing,
  body: nothing,
  reply: Type.Object({ sign_up_open: Type.Boolean(), daily_tokens: Type.Integer() }),
})

export const updateSettings = endpoint({
  id: 'setting.update',
  method: 'PATCH',
  path: '/api/settings',
  access: 'setting:update',
  params: nothing,
  query: nothing,
  body: Type.Object({
    sign_up_open: Type.Optional(Type.Boolean()),
    /** Tokens a person may use a day on the platform's key. */
    daily_tokens: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
  }),
  reply: Type.Object({ sign_up_open: Type.Boolean(), daily_tokens: Type.Integer() }),
})

export const identityEndpoints = [
  getSession,
  setUp,
  listSessions,
  endAllSessions,
  listKeys,
  createKey,
  revokeKey,
  listUsers,
  createUser,
  updateUser,
  getSettings,
  updateSettings,
]
