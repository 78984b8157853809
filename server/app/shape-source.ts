import path from 'node:path'
import { request } from 'undici'
import type { Router } from 'express'
import {
  createElectricUpstream,
  createEmbeddedUpstream,
  createShapeServer,
  dropSlot,
  electricRouter,
  type ShapeServer,
  type ShapeServerStatus,
  type ShapeUpstream,
} from '../../sync/server/index.ts'
import { unavailable } from '../../sync/server/http/response.ts'
import { ConfigurationError } from '../kernel/configuration-error.ts'
import type { Log } from '../kernel/log.ts'
import { createSessionLock } from '../kernel/session-lock.ts'
import type { Environment } from './env.ts'
import type { PartStatus } from './health.ts'

/** Where this process has its shapes from. */
export interface ShapeSource {
  upstream: ShapeUpstream
  /** Our own shape server in Electric's protocol, for other processes. */
  router: Router | undefined
  status(): Promise<PartStatus> | PartStatus
  figures: (() => { reads: number; shapes: number; size: number }) | undefined
  start(): Promise<void>
  stop(): Promise<void>
}

/** Any number will do, as long as all processes use the same. */
export const SYNC_LOCK = 7_202_611_222

/**
 * A real Electric, or the shape server of another process of ours: both speak Electric's protocol. Where this process
 * would play sync, `own` is the database whose slot nobody reads any more; kept, it would fill the disk.
 */
export function electricSource(
  electric: NonNullable<Environment['electric']>,
  own: { databaseUrl: string; log: Log } | undefined,
): ShapeSource {
  const upstream = createElectricUpstream(electric)
  return {
    upstream,
    router: undefined,
    figures: undefined,
    status: () => askElectric(electric.url),
    start: () => dropOwnSlot(own),
    stop: () => upstream.close(),
  }
}

async function dropOwnSlot(own: { databaseUrl: string; log: Log } | undefined): Promise<void> {
  if (!own) return
  await dropSlot(own.databaseUrl).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    own.log.warn({ event: 'sync.slot-kept', reason })
  })
}

async function askElectric(url: string): Promise<PartStatus> {
  const signal = AbortSignal.timeout(2_000)
  try {
    const { statusCode, body } = await request(`${url}/v1/health`, { signal })
    await body.dump()
    if (statusCode === 200) return { state: 'up' }
    return { state: statusCode === 202 ? 'degraded' : 'down', reason: `${url} answers ${statusCode}` }
  } catch (error) {
    return { state: 'down', reason: `${url}: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/**
 * The embedded shape server, of which there is one on a database: it holds a lock as long as it serves. Without the lock
 * it ends, and begins anew when it has it again; readers fetch anew then, as after any restart.
 */
export function embeddedSource(env: Environment, databaseUrl: string, log: Log): ShapeSource {
  const notNow = unavailable(1, { message: 'The shape server is not serving' })
  let current: ShapeServer | undefined
  let ending: Promise<void> | undefined
  let stopped = false

  const begin = async (): Promise<void> => {
    await ending
    if (stopped || !lock.held()) return
    const { shapeAnyTable: anyTable, shapeChunkBytes: chunkSize } = env
    const directory = path.join(env.dataDir, 'shapes')
    const limits = { chunkSize }
    current = createShapeServer({ databaseUrl, directory, publication: 'banyan', log: shapeLog(log), anyTable, limits })
    await current.start()
  }
  const end = (): void => {
    const ended = current
    current = undefined
    if (ended) ending = ended.stop().catch(() => undefined)
  }
  const lock = createSessionLock({
    url: databaseUrl,
    key: SYNC_LOCK,
    name: 'sync',
    log,
    onTaken: () => void begin(),
    onLost: end,
  })
  const server: Pick<ShapeServer, 'read' | 'remove' | 'status'> = {
    read: async (source, read, signal) => (await current?.read(source, read, signal)) ?? notNow,
    remove: async (source, handle) => (await current?.remove(source, handle)) ?? notNow,
    status: () => current?.status() ?? notServing(lock.elsewhere()),
  }

  return {
    upstream: createEmbeddedUpstream(server),
    router: electricRouter({ server, secret: env.electricSecret }),
    status: () => {
      const { state, reason } = server.status()
      return { state, reason }
    },
    figures: () => {
      const { reads, shapes, size } = server.status()
      return { reads, shapes, size }
    },
    async start() {
      if (!(await lock.take())) throw takenElsewhere()
      await begin()
    },
    async stop() {
      stopped = true
      end()
      await ending
      await lock.release()
    },
  }
}

function notServing(elsewhere: boolean): ShapeServerStatus {
  const reason = elsewhere ? 'another process plays sync now' : 'the lock of the sync service is being taken anew'
  return { state: elsewhere ? 'down' : 'degraded', lsn: '0/0', shapes: 0, reads: 0, size: 0, reason }
}

function takenElsewhere(): ConfigurationError {
  return new ConfigurationError(
    '这个数据库上已有另一个进程承担 sync：请先停止它，或在本进程设置 BANYAN_SERVICES=web,worker，并让 ELECTRIC_URL 指向那个进程。',
    'Another process already plays sync on this database: stop that one first, or set BANYAN_SERVICES=web,worker here and point ELECTRIC_URL at that process.',
  )
}

/** pino puts fields first and takes no message; the shape server's log wants both. */
function shapeLog(log: Log) {
  return {
    info: (fields: Record<string, unknown>, message: string) => log.info({ event: 'sync', ...fields }, message),
    warn: (fields: Record<string, unknown>, message: string) => log.warn({ event: 'sync', ...fields }, message),
    error: (fields: Record<string, unknown>, message: string) => log.error({ event: 'sync', ...fields }, message),
  }
}
