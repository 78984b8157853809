import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ShapeStream, type Row, type Shape, type ShapeStreamOptions } from 'electric-sql'
import express from 'express'
import pg from 'pg'
import { createTestDatabase } from '../../server/kernel/testing/index.ts'
import { createEmbeddedUpstream } from './gateway/embedded-upstream.ts'
import { createGateway } from './gateway/gateway.ts'
import { textOf } from './http/page-body.ts'
import { electricRouter } from './http/electric-router.ts'
import { dropSlot } from './replication/slot.ts'
import { createShapeServer, type ShapeServer, type ShapeServerOptions } from './shape-server.ts'

export const SECRET = 'test-secret'

/** A database, a shape server on it, and both of its doors over real HTTP. */
export interface ShapeHarness {
  url: string
  databaseUrl: string
  /** Where the shape server keeps its log. */
  directory: string
  db: pg.Pool
  readonly server: ShapeServer
  /** Replaces the shape server by a new one, as a restart of the process would. */
  restart(meanwhile?: () => Promise<unknown>): Promise<void>
  /** A stream of `/v1/shape` by the unmodified client; ended with the harness. */
  stream(params: Record<string, string | string[]>, more?: Partial<ShapeStreamOptions>): ShapeStream<Row>
  /** One of a person's shapes, through the gateway. */
  owned(shape: string, userId: string, params?: { epoch?: () => string }): ShapeStream<Row>
  /** Connections that the HTTP server has open. */
  connections(): Promise<number>
  close(): Promise<void>
}

interface HarnessParts {
  stalledMs?: number
  /** Where the database comes from: the run's Postgres, when nothing is said. */
  openDatabase?: () => Promise<{ url: string; drop: () => Promise<void> }>
}

/** Starts one. `x-user` and `x-epoch` headers stand in for the session. */
export async function startShapeHarness(
  options: Partial<ShapeServerOptions> = {},
  /** Fills the new database; may give another URL for the shape server, of a lesser role. */
  prepare: (db: pg.Pool, url: string) => Promise<string | void> = async () => undefined,
  { stalledMs, openDatabase = createTestDatabase }: HarnessParts = {},
): Promise<ShapeHarness> {
  const database = await openDatabase()
  // Asynchronous commits, which the test server has, reach the slot only every 200 ms.
  const db = new pg.Pool({ connectionString: database.url, max: 4, options: '-c synchronous_commit=on' })
  db.on('error', () => undefined)
  const databaseUrl = (await prepare(db, database.url)) ?? database.url
  const directory = await mkdtemp(path.join(tmpdir(), 'banyan-shapes-'))
  const make = (): ShapeServer =>
    createShapeServer({ databaseUrl, directory, anyTable: true, pollMs: 2_000, ...options })
  let server = make()
  await server.start()
  const app = express()
  const port: Pick<ShapeServer, 'read' | 'remove' | 'status'> = {
    read: (source, request, signal) => server.read(source, request, signal),
    remove: (source, handle) => server.remove(source, handle),
    status: () => server.status(),
  }
  const gateway = createGateway({ upstream: createEmbeddedUpstream(port) })
  app.use(electricRouter({ server: port, secret: SECRET, stalledMs }))
  app.get('/api/sync/shapes/:name', async (request, response) => {
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    const answer = await gateway.handle(
      {
        shape: request.params.name,
        query: Object.fromEntries(new URL(request.originalUrl, 'http://x').searchParams),
        user_id: String(request.headers['x-user']),
        epoch: Number(request.headers['x-epoch'] ?? 1),
      },
      gone.signal,
    )
    response
      .status(answer.status)
      .set(answer.headers)
      .end(await textOf(answer.body))
  })
  const http = createServer(app)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  const ended = new AbortController()
  return {
    url,
    databaseUrl: database.url,
    directory,
    db,
    get server() {
      return server
    },
    restart: async (meanwhile) => {
      await server.stop()
      await meanwhile?.()
      server = make()
      await server.start()
    },
    stream: (params, more) =>
      new ShapeStream({
        url: `${url}/v1/shape`,
        params: { secret: SECRET, ...params },
        signal: ended.signal,
        parser: AS_TEXT,
        ...QUICK,
        ...more,
      }),
    owned: (shape, userId, params = {}) =>
      new ShapeStream({
        url: `${url}/api/sync/shapes/${shape}`,
        headers: { 'x-user': userId },
        params,
        signal: ended.signal,
        parser: AS_TEXT,
        ...QUICK,
      }),
    connections: () =>
      new Promise((resolve, reject) => http.getConnections((error, count) => (error ? reject(error) : resolve(count)))),
    close: async () => {
      ended.abort()
      await server.stop()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
      await db.end()
      await dropSlot(database.url)
      await database.drop()
      for (const folder of [directory, `${directory}-other`]) await rm(folder, { recursive: true, force: true })
    },
  }
}

export const QUICK = { backoffOptions: { initialDelay: 20, maxDelay: 200, multiplier: 2 } }

const keep = (value: string): string => value
/** Leaves every value as Postgres text, but for the two spellings of booleans. */
export const AS_TEXT = {
  int2: keep,
  int4: keep,
  int8: keep,
  float4: keep,
  float8: keep,
  json: keep,
  jsonb: keep,
  bool: (value: string) => (value === 't' || value === 'true' ? 'true' : 'false'),
}

/** Waits until `shape` holds exactly `expected()`; says how they differ otherwise. */
export async function untilEqual(
  shape: Shape,
  key: string,
  expected: () => Promise<unknown[]>,
  ms = 8_000,
): Promise<void> {
  const deadline = Date.now() + ms
  for (;;) {
    const got = sorted([...shape.currentValue.values()], key)
    const want = sorted(await expected(), key)
    if (got === want) return
    if (Date.now() > deadline)
      throw new Error(`the shape differs from the table:\n got ${got.slice(0, 2000)}\nwant ${want.slice(0, 2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

function sorted(rows: unknown[], key: string): string {
  const lines = rows.map((row) => JSON.stringify(row, row === null ? undefined : Object.keys(Object(row)).sort()))
  return `${key}: ${lines.sort().join('\n     ')}`
}

/** Rows of a table as Postgres text, to compare with a shape read under `AS_TEXT`. */
export async function textRows(db: pg.Pool, sql: string, values: unknown[] = []): Promise<unknown[]> {
  const { rows } = await db.query({
    text: sql,
    values,
    types: {
      getTypeParser: (oid: number) => (value: string | Buffer) =>
        oid === 16 ? (value === 't' ? 'true' : 'false') : value.toString(),
    },
  })
  return rows
}

/** For a server in a process of its own, which must come back where it was. */
export async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return typeof address === 'object' && address ? address.port : 0
}
