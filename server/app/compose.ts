import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createConversation, createRetention, isRunFrame } from '../chat/index.ts'
import { detectModels } from '../config/index.ts'
import { openDatabase, type Database } from '../kernel/db.ts'
import { createNotifications } from '../kernel/listen.ts'
import type { Log } from '../kernel/log.ts'
import { createRegistry } from '../kernel/metrics.ts'
import { createWorker, wakeByNotifications, type Worker } from '../workflow/index.ts'
import { answerClientErrors } from './client-errors.ts'
import { composeWeb, type Web } from './compose-web.ts'
import { DatabaseHealth, diskStatus } from './database-health.ts'
import type { Environment } from './env.ts'
import { healthRoutes } from './health.ts'
import { createHttp } from './http.ts'
import { httpMetrics } from './metrics/http-metrics.ts'
import { measureModels } from './metrics/model-metrics.ts'
import { metricsRoutes } from './metrics/routes.ts'
import { runMetrics } from './metrics/run-metrics.ts'
import { stateMetrics } from './metrics/state-metrics.ts'
import { createRelay } from './relay/relay.ts'
import type { RelayedFrame } from './relay/relayed-frame.ts'
import { readSecrets } from './secrets.ts'
import { seed } from './seed/seed.ts'
import { electricSource, embeddedSource, type ShapeSource } from './shape-source.ts'

export interface Application {
  server: Server
  /** The token to show while there is no administrator; only where people sign in. */
  setupToken(): Promise<string | undefined>
  start(): Promise<void>
  /** Ends what runs, hands back what cannot end, closes connections; Postgres stops after this. */
  stop(): Promise<void>
}

/**
 * Wires the modules by hand: who gets what is readable here, top to bottom. Each part is there when BANYAN_SERVICES names
 * it; parts in other processes are met through the database, ELECTRIC_URL and the relay.
 */
export async function composeApplication(
  env: Environment,
  urls: { url: string; direct: string },
  log: Log,
): Promise<Application> {
  const plays = env.services
  const registry = createRegistry()
  const health = new DatabaseHealth()
  const onTrouble = (reason: string) => health.note(reason)
  const db = openDatabase({ url: urls.url, size: 6, name: 'web', log, onTrouble })
  const runsDb = openDatabase({ url: urls.url, size: 4, name: 'runs', log, onTrouble })
  const notifications = createNotifications({ url: urls.direct, log })
  const secrets = await readSecrets(env)
  await seed(db)

  const models = measureModels(detectModels({ openai: openAiOptions(env), log }), registry)
  const shapes = shapeSource(env, urls.direct, log)
  const countRun = runMetrics(registry)
  const worker = plays.has('worker')
    ? createWorker({
        db: runsDb,
        log,
        lease_ms: env.leaseMs,
        models,
        emit: (user_id, frame, hidden) => {
          if (!isRunFrame(frame)) return
          const relayed: RelayedFrame = { user_id, frame, hidden }
          countRun(frame)
          web?.deliver(relayed)
          relay.publish(relayed)
        },
        conversation: createConversation(runsDb),
      })
    : undefined
  if (worker) wakeByNotifications(notifications, worker)
  const retention = plays.has('scheduler') ? createRetention({ db, log }) : undefined

  const web =
    plays.has('web') && shapes
      ? await composeWeb({
          env,
          url: urls.url,
          log,
          db,
          notifications,
          secret: secrets.sessions,
          models,
          upstream: shapes.upstream,
          worker,
          elsewhere: (user_id) => relay.snapshots(user_id),
          registry,
        })
      : undefined
  const relay = createRelay({
    db,
    notifications,
    log,
    env,
    secret: secrets.internal,
    runs: worker && (() => worker.active()),
    deliver: web && ((relayed) => web.deliver(relayed)),
  })

  const app = createHttp({
    log,
    measure: httpMetrics(registry),
    open: [
      healthRoutes({ parts: readyParts(env, { db, health, shapes, worker }), token: env.metricsToken }),
      metricsRoutes({
        registry,
        refresh: stateMetrics(registry, stateSources({ db, runsDb, shapes, worker, web })),
        token: env.metricsToken,
      }),
      relay.router,
      ...(shapes?.router ? [shapes.router] : []),
    ],
    web: web?.surface,
  })
  const server = createServer(
    // Whoever names no Host is told so by `requireHost`, like everybody who names a wrong one.
    { requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 65_000, requireHostHeader: false },
    app,
  )
  answerClientErrors(server)
  web?.hub.attach(server)
  server.once('listening', () => {
    const address: AddressInfo | string | null = server.address()
    if (typeof address === 'object' && address) void relay.start(address.port)
  })

  return {
    server,
    setupToken: async () => web?.setupToken(),
    async start() {
      await Promise.all([models.start(), shapes?.start()])
      await worker?.start()
      await notifications.start()
      retention?.start()
    },
    stop: once(async () => {
      server.close()
      await worker?.stop()
      relay.stop()
      await web?.hub.stop()
      await shapes?.stop()
      server.closeAllConnections()
      await notifications.stop()
      await retention?.stop()
      await models.stop()
      await Promise.all([db.close(), runsDb.close(), web?.authPool.end()])
    }),
  }
}

interface Parts {
  db: Database
  shapes: ShapeSource | undefined
  worker: Worker | undefined
}

function readyParts(env: Environment, { db, health, shapes, worker }: Parts & { health: DatabaseHealth }) {
  return {
    database: () => health.status(db),
    ...(env.databaseUrl === undefined && { disk: () => diskStatus(env.dataDir) }),
    ...(shapes && { sync: () => shapes.status() }),
    ...(worker && { worker: () => ({ state: worker.status().healthy ? ('up' as const) : ('degraded' as const) }) }),
  }
}

function stateSources({ db, runsDb, shapes, worker, web }: Parts & { runsDb: Database; web: Web | undefined }) {
  return {
    db,
    pools: { web: db.pool, runs: runsDb.pool, ...(web && { auth: web.authPool }) },
    sockets: web && (() => ({ connections: web.hub.connections(), polls: web.hub.polls() })),
    shapes: shapes?.figures,
    running: worker && (() => worker.status().running),
  }
}

/** Undefined in a process that neither has shapes nor needs any. */
function shapeSource(env: Environment, databaseUrl: string, log: Log): ShapeSource | undefined {
  if (env.electric) {
    const own = env.services.has('sync') ? { databaseUrl, log } : undefined
    return env.services.has('web') ? electricSource(env.electric, own) : undefined
  }
  return env.services.has('sync') ? embeddedSource(env, databaseUrl, log) : undefined
}

function openAiOptions(env: Environment) {
  return env.openai && { base_url: env.openai.baseUrl, api_key: env.openai.apiKey, model: env.openai.model }
}

/** A second call waits for the first. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
