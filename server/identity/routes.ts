import * as api from '../../shared/identity/api.ts'
import { mayDo, PERMISSIONS } from '../../shared/identity/permissions.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { createRouter, serve, servePublic, type Router, type ServeContext } from '../kernel/serve.ts'
import { prepared } from '../kernel/statement.ts'
import { createKey, listKeys, revokeKey } from './api-keys.ts'
import type { Auth } from './auth.ts'
import type { Sessions } from './sessions.ts'
import type { SettingsStore } from './settings.ts'
import type { SetUp } from './set-up.ts'
import { createUser, listUsers, updateUser } from './users.ts'

export interface IdentityRoutes {
  db: Database
  auth: Auth
  sessions: Sessions
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
    const rows = await deps.db.query<{
      id: string
      user_agent: string | null
      ip_address: string | null
      created_at: string
      updated_at: string
    }>(
      prepared(
        `select id, user_agent, ip_address, created_at, updated_at from sessions
         where user_id = $1 and expires_at > now() order by updated_at desc`,
        [actor.user_id],
      ),
    )
    return { sessions: rows.map((row) => ({ ...row, current: row.id === actor.session_id })) }
  })

  serve(
    router,
    context,
    api.endAllSessions,
  )(async ({ actor }) => {
    await deps.db.query(prepared('delete from sessions where user_id = $1', [actor.user_id]))
    deps.sessions.forget(actor.user_id)
    return {}
  })
}

function keyRoutes(router: Router, context: ServeContext, { db }: IdentityRoutes): void {
  serve(router, context, api.listKeys)(async ({ actor }) => ({ keys: await listKeys(db, actor) }))
  serve(router, context, api.createKey)(({ actor, body }) => createKey(db, actor, body))
  serve(
    router,
    context,
    api.revokeKey,
  )(async ({ actor, params }) => {
    await revokeKey(db, actor, params.id)
    return {}
  })
}

function userRoutes(router: Router, context: ServeContext, { db, auth, sessions, settings }: IdentityRoutes): void {
  serve(router, context, api.listUsers)(async ({ query }) => ({ users: await listUsers(db, query.q ?? '') }))
  serve(router, context, api.createUser)(async ({ actor, body }) => ({ id: await createUser(db, auth, actor, body) }))
  serve(
    router,
    context,
    api.updateUser,
  )(async ({ actor, params, body }) => {
    const entry = await updateUser(db, actor, params.id, body)
    sessions.forget(params.id)
    return entry
  })
  serve(router, context, api.getSettings)(() => settings.read())
  serve(router, context, api.updateSettings)(({ actor, body }) => settings.write(actor, body))
}
