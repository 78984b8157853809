import path from 'node:path'
import { agentHooks, agentRoutes } from '../agent/index.ts'
import { chatHooks, createRunEvents, openAiRoutes } from '../chat/index.ts'
import type { ModelProviders } from '../config/index.ts'
import {
  ActorCache,
  createAuth,
  createAuthHandler,
  createKeyFinder,
  createSessions,
  createSettings,
  createSetUp,
  describeAuth,
  ensureAdministrator,
  identityRoutes,
} from '../identity/index.ts'
import { auditPart } from '../kernel/audit-log.ts'
import { openPool, type Database, type Pool } from '../kernel/db.ts'
import type { Notifications } from '../kernel/listen.ts'
import type { Log } from '../kernel/log.ts'
import type { Registry } from '../kernel/metrics.ts'
import { originsOfHost, type OriginRules } from '../kernel/origin.ts'
import type { ServeContext } from '../kernel/serve.ts'
import { compose as composeStatement } from '../kernel/statement.ts'
import { storeRoutes } from '../store/index.ts'
import { notifyCancel, notifyRuns, runRoutes, type Worker } from '../workflow/index.ts'
import { createGateway, type ShapeUpstream } from '../../sync/server/index.ts'
import { push } from '../../sync/server/push/push.ts'
import { runNamedQuery } from '../../sync/server/query/run-query.ts'
import { MUTATORS, QUERIES } from '../../shared/registry.ts'
import type { RunSnapshotFrame } from '../../sync/protocol/socket.ts'
import { apiDocsRoutes } from './api-docs/routes.ts'
import { projectRoot, type Environment } from './env.ts'
import type { WebSurface } from './http.ts'
import { pushMetrics } from './metrics/push-metrics.ts'
import type { RelayedFrame } from './relay/relayed-frame.ts'
import { createSocketHub, type SocketHub } from './socket.ts'
import { serveClient } from './static.ts'

const VERSION = '0.1.0'

export interface WebParts {
  env: Environment
  /** Of the database. */
  url: string
  log: Log
  db: Database
  notifications: Notifications
  /** Signs session cookies. */
  secret: string
  models: ModelProviders
  upstream: ShapeUpstream
  /** Undefined when runs are performed elsewhere. */
  worker: Worker | undefined
  /** A person's runs in other processes. */
  elsewhere: (user_id: string) => RunSnapshotFrame[]
  registry: Registry
}

/** What people and programs meet: sign-in, devices, the interface, the OpenAI-compatible API. */
export interface Web {
  surface: WebSurface
  hub: SocketHub
  /** Ends it with the other pools. */
  authPool: Pool
  /** Shows a frame to whom it is for, wherever the run is. */
  deliver(relayed: RelayedFrame): void
  setupToken(): Promise<string | undefined>
}

export async function composeWeb(parts: WebParts): Promise<Web> {
  const { env, log, db, notifications, models, worker } = parts
  // better-auth expects Dates, so it has a pool with pg's own parsers.
  const authPool = openPool({ url: parts.url, size: 2, name: 'auth', log })
  const origins = originRules(env)
  const settings = createSettings(db, env.loopbackOnly)
  const auth = createAuth({
    pool: authPool,
    log,
    baseUrl: env.publicUrl,
    secret: parts.secret,
    // A Host that is not ours has been refused before better-auth is asked.
    trustedOrigins: (host) => [env.publicUrl, ...(host ? originsOfHost(host) : [])],
    secureCookies: env.publicUrl.startsWith('https:'),
    signUpOpen: async () => (await settings.read()).sign_up_open,
  })
  const known = new ActorCache()
  const findActor = createSessions(auth, db, known).find
  const setUp = createSetUp(db, auth, env.dataDir)
  if (env.admin) await ensureAdministrator(db, auth, env.admin.email, env.admin.password)

  const gateway = createGateway({ upstream: parts.upstream })
  const events = createRunEvents()
  const hub = createSocketHub({
    findActor,
    origins,
    gateway,
    snapshots: (user_id) => [...(worker?.snapshots(user_id) ?? []), ...parts.elsewhere(user_id)],
    log,
  })
  notifications.on(
    'banyan_session',
    (user_id) => {
      known.forget(user_id)
      void hub.recheck(user_id)
    },
    () => {
      known.clear()
      void hub.recheckAll()
    },
  )

  const runs = {
    worker,
    notifyRuns: () => void notifyRuns(db).catch(ignoreLost),
    notifyCancel: (execution_id: string) => void notifyCancel(db, execution_id).catch(ignoreLost),
    dailyTokens: async () => (await settings.read()).daily_tokens,
  }
  const pushDeps = { db, mutators: MUTATORS, hooks: { ...chatHooks(runs), ...agentHooks() } }
  const countPush = pushMetrics(parts.registry, Object.keys(MUTATORS))
  const context = serveContext(parts, findActor)

  return {
    hub,
    authPool,
    setupToken: setUp.token,
    deliver({ user_id, frame, hidden }) {
      if (!hidden) hub.emit(user_id, frame)
      events.publish(frame)
    },
    surface: {
      context,
      origins,
      proxied: env.publicUrlSet,
      authHandler: createAuthHandler(auth, env.publicUrl),
      surfaces: [openAiRoutes({ ...runs, db, log, findKey: createKeyFinder(db, known), models, events })],
      routers: [
        identityRoutes(context, {
          db,
          auth,
          known,
          settings,
          setUp,
          model: () => ({ kind: models.current().kind, name: models.current().default_model }),
          version: VERSION,
        }),
        agentRoutes(context, { db }),
        storeRoutes(context, { db }),
        runRoutes(context, { db, models }),
        apiDocsRoutes({ version: VERSION, publicUrl: env.publicUrl, describeAuth: () => describeAuth(auth) }),
      ],
      gateway,
      push: async (actor, body) => {
        const reply = await push(pushDeps, actor, body)
        countPush(body, reply)
        return reply
      },
      query: (actor, name, params) => runNamedQuery({ db, queries: QUERIES }, actor, name, params),
      client: serveClient(path.join(projectRoot, 'dist/client')),
    },
  }
}

/** People come by the address that was named, or by any address when none was; on this machine always by its own names. */
export function originRules(env: Pick<Environment, 'publicUrl' | 'publicUrlSet' | 'loopbackOnly'>): OriginRules {
  return { publicUrl: env.publicUrl, others: env.publicUrlSet || env.loopbackOnly ? 'loopback' : 'addresses' }
}

function serveContext({ db, log }: WebParts, findActor: ServeContext['findActor']): ServeContext {
  return {
    findActor,
    log,
    auditRefusal: (actor, action, code, request_id) => {
      const entry = auditPart({
        actor_id: actor?.user_id ?? null,
        action,
        outcome: 'refused',
        params: { code },
        request_id,
      })
      db.query(composeStatement([entry], 'select 1')).catch((error: unknown) =>
        log.error({ event: 'audit.failed', reason: String(error) }),
      )
    },
  }
}

/** A lost notification costs a second: workers poll. */
const ignoreLost = () => undefined
