import { ShapeStream, type Row, type ShapeStreamOptions } from 'electric-sql'
import pg from 'pg'
import { AS_TEXT, QUICK, SECRET, startShapeHarness } from '../testing.ts'

/** A server of Electric's protocol, and the database that it follows: all that the contract knows of it. */
export interface ContractTarget {
  db: pg.Pool
  /** `/v1/shape` with the secret. */
  ask(query: string, init?: RequestInit): Promise<Response>
  /** The same under any path, without a secret. */
  askAt(path: string, init?: RequestInit): Promise<Response>
  secret: string
  /** The unmodified client; ended with the target. */
  stream(params: Record<string, string | string[]>, more?: Partial<ShapeStreamOptions>): ShapeStream<Row>
  close(): Promise<void>
}

export type OpenTarget = () => Promise<ContractTarget>

/** Our own, with small chunks and short polls, on a database of its own. */
export const openOwn: OpenTarget = async () => {
  const harness = await startShapeHarness({ pollMs: 400, limits: { chunkSize: 300 } })
  return { ...targetAt(harness.url, SECRET, harness.db), close: () => harness.close() }
}

/** Where a real Electric is, as the environment names it. */
export interface ElectricPlace {
  url: string
  secret: string
  /** The database that it follows: tables of the contract are made there, and dropped before they are made again. */
  databaseUrl: string
}

export function electricPlace(env: NodeJS.ProcessEnv): ElectricPlace | undefined {
  const { ELECTRIC_URL: url, ELECTRIC_SECRET: secret = '', ELECTRIC_DATABASE_URL: databaseUrl } = env
  return url && databaseUrl ? { url: url.replace(/\/$/, ''), secret, databaseUrl } : undefined
}

/** An Electric of 1.7.12 or later that is already there. */
export const openElectric =
  ({ url, secret, databaseUrl }: ElectricPlace): OpenTarget =>
  async () => {
    const db = new pg.Pool({ connectionString: databaseUrl, max: 4 })
    const target = targetAt(url, secret, db)
    return { ...target, close: () => target.close().then(() => db.end()) }
  }

function targetAt(url: string, secret: string, db: pg.Pool): ContractTarget {
  const ended = new AbortController()
  return {
    db,
    secret,
    ask: (query, init) => fetch(`${url}/v1/shape?secret=${encodeURIComponent(secret)}&${query}`, init),
    askAt: (path, init) => fetch(`${url}${path}`, init),
    stream: (params, more) =>
      new ShapeStream({
        url: `${url}/v1/shape`,
        params: { secret, ...params },
        signal: ended.signal,
        parser: AS_TEXT,
        ...QUICK,
        ...more,
      }),
    close: () => Promise.resolve(ended.abort()),
  }
}
