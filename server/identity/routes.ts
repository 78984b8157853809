import * as api from '../../shared/identity/api.ts'
import { mayDo, PERMISSIONS } from '../../shared/identity/permissions.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { createRouter, serve, servePublic, type Router, type ServeContext } from '../kernel/serve.ts'
import type { ActorCache } from './actor-cache.ts'
import { keysOf } from './api-key.repository.ts'
import { createKey, revokeKey } from './api-keys.ts'
import type { Auth } from './auth.ts'
import { createUser } from './create-user.ts'
import { endSessionsOf, openSessionsOf } from './session.repository.ts'
import type { SettingsStore } from './settings.ts'
import type { SetUp } from './set-up.ts'
import { updateUser } from './update-user.ts'
import { findUsers } from './user.repository.ts'

export interface IdentityRoutes {
  db: Database
  auth: Auth
  /** Forgets at once, in this process, whose rights change; others are told by notification. */
  known: ActorCache
  settings: SettingsStore
  setUp: SetUp
  /** What answers when an agent names no model. */
  model: () => { kind: 'openai' | 'ollama' | 'demo'; name: string }
  version: string
}

export function identityRoutes(context: ServeContext, deps: IdentityRoutes): Router {
  const router = createRouter()
  sessionRoutes(router, context, deps)
  keyRoutes(router, context, deps)
  userRoutes(router, context, deps)
  return router
}

function sessionUser(actor: Actor) {
  return {
    id: actor.user_id,
    name: actor.name,
    email: actor.email,
    roles: [...actor.roles],
    epoch: actor.epoch,
    created_at: actor.created_at,
  }
}

function sessionRoutes(router: Router, context: ServeContext, deps: IdentityRoutes): void {
  servePublic(
    router,
    context,
    api.getSession,
  )(async ({ actor }) => ({
    user: actor ? sessionUser(actor) : null,
    permissions: actor ? Object.keys(PERMISSIONS).filter((permission) => mayDo(actor.roles, permission)) : [],
    setup_needed: await deps.setUp.needed(),
    sign_up_open: (await deps.settings.read()).sign_up_open,
    model: deps.model(),
    version: deps.version,
  }))

  servePublic(
    router,
    context,
    api.setUp,
  )(async ({ body }) => {
    await deps.setUp.run(body)
    return {}
  })

  serve(
    router,
    context,
    api.listSessions,
  )(async ({ actor }) => {
    const rows = await openSessionsOf(deps.db, actor.user_id)
    return { sessions: rows.map((row) => ({ ...row, current: row.id === actor.session_id })) }
  })

  serve(
    router,
    context,
    api.endAllSessions,
  )(async ({ actor }) => {
    await endSessionsOf(deps.db, actor.user_id)
    deps.known.forget(actor.user_id)
    return {}
  })
}

function keyRoutes(router: Router, context: ServeContext, { db, known }: IdentityRoutes): void {
  serve(router, context, api.listKeys)(async ({ actor }) => ({ keys: await keysOf(db, actor.user_id) }))
  serve(router, context, api.createKey)(({ actor, body }) => createKey(db, actor, body))
  serve(
    router,
    context,
    api.revokeKey,
  )(async ({ actor, params }) => {
    await revokeKey(db, actor, params.id)
    known.forget(actor.user_id)
    return {}
  })
}

function userRoutes(router: Router, context: ServeContext, { db, auth, known, settings }: IdentityRoutes): void {
  serve(router, context, api.listUsers)(async ({ query }) => ({ users: await findUsers(db, query.q ?? '') }))
  serve(router, context, api.createUser)(async ({ actor, body }) => ({ id: await createUser(db, auth, actor, body) }))
  serve(
    router,
    context,
    api.updateUser,
  )(async ({ actor, params, body }) => {
    const entry = await updateUser(db, actor, params.id, body)
    known.forget(params.id)
    return entry
  })
  serve(router, context, api.getSettings)(() => settings.read())
  serve(router, context, api.updateSettings)(({ actor, body }) => settings.write(actor, body))
}
