import { createServer, type Server } from 'node:http'
import path from 'node:path'
import { agentRoutes } from '../agent/index.ts'
import {
  chatHooks,
  createConversation,
  createRetention,
  createRunEvents,
  isRunFrame,
  openAiRoutes,
} from '../chat/index.ts'
import { detectModels } from '../config/index.ts'
import {
  ActorCache,
  createAuth,
  createAuthHandler,
  createKeyFinder,
  createSessions,
  createSettings,
  createSetUp,
  ensureAdministrator,
  identityRoutes,
} from '../identity/index.ts'
import { auditPart } from '../kernel/audit-log.ts'
import { openDatabase, openPool } from '../kernel/db.ts'
import { createNotifications } from '../kernel/listen.ts'
import type { Log } from '../kernel/log.ts'
import type { ServeContext } from '../kernel/serve.ts'
import { compose as composeStatement } from '../kernel/statement.ts'
import { storeRoutes } from '../store/index.ts'
import { createWorker, notifyCancel, notifyRuns, runRoutes, wakeByNotifications } from '../workflow/index.ts'
import {
  createElectricUpstream,
  createEmbeddedUpstream,
  createGateway,
  createShapeServer,
  electricRouter,
} from '../../sync/server/index.ts'
import { push } from '../../sync/server/push/push.ts'
import { runNamedQuery } from '../../sync/server/query/run-query.ts'
import { MUTATORS, QUERIES } from '../../shared/registry.ts'
import { projectRoot, type Environment } from './env.ts'
import { healthRoutes } from './health.ts'
import { createHttp } from './http.ts'
import { seed } from './seed/seed.ts'
import { sessionSecret } from './secrets.ts'
import { createSocketHub } from './socket.ts'
import { serveClient } from './static.ts'

export interface Application {
  server: Server
  /** The token to show while there is no administrator. */
  setupToken(): Promise<string | undefined>
  start(): Promise<void>
  /** Ends what runs, hands back what cannot end, closes connections; Postgres stops after this. */
  stop(): Promise<void>
}

/** Wires the modules by hand: who gets what is readable here, top to bottom. */
export async function composeApplication(
  env: Environment,
  urls: { url: string; direct: string },
  log: Log,
): Promise<Application> {
  const db = openDatabase({ url: urls.url, size: 6, name: 'web', log })
  const runsDb = openDatabase({ url: urls.url, size: 4, name: 'runs', log })
  // better-auth expects Dates, so it has a pool with pg's own parsers.
  const authPool = openPool({ url: urls.url, size: 2, name: 'auth', log })
  const notifications = createNotifications({ url: urls.direct, log })
  await seed(db)

  const origins = { publicUrl: env.publicUrl, loopbackOnly: env.loopbackOnly }
  const settings = createSettings(db, env.loopbackOnly)
  const auth = createAuth({
    pool: authPool,
    log,
    baseUrl: env.publicUrl,
    secret: await sessionSecret(env.dataDir),
    trustedOrigins: () => trustedOrigins(env),
    secureCookies: env.publicUrl.startsWith('https:'),
    signUpOpen: async () => (await settings.read()).sign_up_open,
  })
  const known = new ActorCache()
  const findActor = createSessions(auth, db, known).find
  const setUp = createSetUp(db, auth, env.dataDir)
  if (env.admin) await ensureAdministrator(db, auth, env.admin.email, env.admin.password)

  const models = detectModels({ openai: openAiOptions(env), log })
  const shapes = env.electric
    ? undefined
    : createShapeServer({
        databaseUrl: urls.direct,
        publication: 'banyan',
        log: shapeLog(log),
        anyTable: env.shapeAnyTable,
      })
  const gateway = createGateway({
    upstream: shapes ? createEmbeddedUpstream(shapes) : createElectricUpstream(electricOptions(env)),
  })

  const events = createRunEvents()
  const hub = createSocketHub({
    findActor,
    origins,
    gateway,
    snapshots: (user_id) => worker?.snapshots(user_id) ?? [],
    log,
  })
  // A process without this role queues runs and performs none.
  const worker = env.services.has('worker')
    ? createWorker({
        db: runsDb,
        log,
        lease_ms: env.leaseMs,
        models,
        emit: (user_id, frame, hidden) => {
          if (!hidden) hub.emit(user_id, frame)
          if (isRunFrame(frame)) events.publish(frame)
        },
        conversation: createConversation(runsDb),
      })
    : undefined
  if (worker) wakeByNotifications(notifications, worker)
  const retention = env.services.has('scheduler') ? createRetention({ db, log }) : undefined
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

  const dailyTokens = async () => (await settings.read()).daily_tokens
  const runs = {
    worker,
    notifyRuns: () => void notifyRuns(db).catch(ignoreLost),
    notifyCancel: (execution_id: string) => void notifyCancel(db, execution_id).catch(ignoreLost),
    dailyTokens,
  }
  const pushDeps = { db, mutators: MUTATORS, hooks: chatHooks(runs) }
  const context: ServeContext = {
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

  const app = createHttp({
    context,
    origins,
    authHandler: createAuthHandler(auth),
    surfaces: [
      healthRoutes({
        database: async () => {
          await db.query('select 1')
          return { state: 'up' }
        },
        sync: () => shapes?.status() ?? { state: 'up' },
        ...(worker && { worker: () => ({ state: worker.status().healthy ? 'up' : 'degraded' }) }),
      }),
      ...(shapes ? [electricRouter({ server: shapes, secret: env.electricSecret })] : []),
      openAiRoutes({ ...runs, db, log, findKey: createKeyFinder(db, known), models, events }),
    ],
    routers: [
      identityRoutes(context, {
        db,
        auth,
        known,
        settings,
        setUp,
        model: () => ({ kind: models.current().kind, name: models.current().default_model }),
        version: '0.1.0',
      }),
      agentRoutes(context, { db }),
      storeRoutes(context, { db }),
      runRoutes(context, { db, models }),
    ],
    gateway,
    push: (actor, body) => push(pushDeps, actor, body),
    query: (actor, name, params) => runNamedQuery({ db, queries: QUERIES }, actor, name, params),
    client: serveClient(path.join(projectRoot, 'dist/client')),
  })
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 65_000 }, app)
  hub.attach(server)

  return {
    server,
    setupToken: setUp.token,
    async start() {
      await Promise.all([models.start(), shapes?.start()])
      await worker?.start()
      await notifications.start()
      retention?.start()
    },
    async stop() {
      server.close()
      await worker?.stop()
      await hub.stop()
      await shapes?.stop()
      server.closeAllConnections()
      await notifications.stop()
      await retention?.stop()
      await models.stop()
      await Promise.all([db.close(), runsDb.close(), authPool.end()])
    },
  }
}

/** A lost notification costs a second: workers poll. */
const ignoreLost = () => undefined

function trustedOrigins(env: Environment): string[] {
  const own = new URL(env.publicUrl).origin
  return env.loopbackOnly
    ? [own, `http://127.0.0.1:${env.port}`, `http://localhost:${env.port}`, `http://[::1]:${env.port}`]
    : [own]
}

function openAiOptions(env: Environment) {
  return env.openai && { base_url: env.openai.baseUrl, api_key: env.openai.apiKey, model: env.openai.model }
}

function electricOptions(env: Environment): { url: string; secret?: string | undefined } {
  if (!env.electric) throw new Error('no Electric is configured')
  return env.electric
}

/** pino puts fields first and takes no message; the shape server's log wants both. */
function shapeLog(log: Log) {
  return {
    info: (fields: Record<string, unknown>, message: string) => log.info({ event: 'sync', ...fields }, message),
    warn: (fields: Record<string, unknown>, message: string) => log.warn({ event: 'sync', ...fields }, message),
    error: (fields: Record<string, unknown>, message: string) => log.error({ event: 'sync', ...fields }, message),
  }
}
