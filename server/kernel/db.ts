import pg from 'pg'
import { operationalError } from '../../shared/kernel/errors.ts'
import type { Log } from './log.ts'
import type { Statement } from './statement.ts'

/** Postgres prints times in UTC; they travel as ISO 8601 text with all microseconds. */
export function isoTime(text: string): string {
  const match = /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00(?::?00)?|Z)$/.exec(text)
  return match ? `${match[1]}T${match[2]}Z` : text
}

const { builtins } = pg.types
const parsers = new Map<number, (text: string) => unknown>([
  [builtins.TIMESTAMPTZ, isoTime],
  [builtins.INT8, Number],
  [builtins.NUMERIC, Number],
])

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    const own = format === 'binary' ? undefined : parsers.get(oid)
    return own ?? pg.types.getTypeParser(oid, format as 'text')
  },
}

export type Row = Record<string, unknown>

/** Something that runs statements: the pool, or one connection inside a transaction. */
export interface Queryable {
  query<R extends Row = Row>(statement: Statement | string, values?: unknown[]): Promise<R[]>
}

export interface Database extends Queryable {
  readonly url: string
  /** Runs `work` in one transaction on one connection; a thrown error rolls back. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
  /** For libraries that want a pool of their own kind (better-auth, the checkpoint saver). */
  readonly pool: pg.Pool
  close(): Promise<void>
}

export type Pool = pg.Pool

/** How a pool is opened: `size` is the most connections it holds, `name` shows in pg_stat_activity and in the log. */
export interface PoolOptions {
  url: string
  size: number
  name: string
  log: Log
  /** Told when a statement fails for want of disk, memory or connections, or by a fault of the system. */
  onTrouble?: ((reason: string) => void) | undefined
}

/** A bare pool for a library that brings its own SQL and expects pg's own types, such as better-auth. */
export function openPool(options: PoolOptions, settings: pg.PoolConfig = {}): Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.size,
    application_name: `banyan-${options.name}`,
    ...settings,
  })
  // Without a listener a connection that Postgres closes ends the whole process.
  pool.on('error', (error) =>
    options.log.warn({ event: 'db.connection-lost', pool: options.name, reason: error.message }),
  )
  // The same of one that is in use but waits between two statements; the next statement on it fails and tells.
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/**
 * Opens a pool of at most `size` connections. Pools are few and small: every backend costs memory, and a turn needs
 * few statements.
 */
export function openDatabase(options: PoolOptions): Database {
  const pool = openPool(options, {
    options: '-c TimeZone=UTC -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    types,
  })

  async function run<R extends Row>(on: Runner, statement: Statement | string, values?: unknown[]): Promise<R[]> {
    try {
      return await runOn<R>(on, statement, values)
    } catch (error) {
      if (isWant(error)) options.onTrouble?.(error.message)
      throw asOperational(error)
    }
  }

  return {
    url: options.url,
    pool,
    query: <R extends Row>(statement: Statement | string, values?: unknown[]) => run<R>(pool, statement, values),
    async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
      const client = await connect(pool)
      try {
        await run(client, 'begin')
        const result = await work({ query: (statement, values) => run(client, statement, values) })
        await run(client, 'commit')
        client.release()
        return result
      } catch (error) {
        await client.query('rollback').then(
          () => client.release(),
          (broken: Error) => client.release(broken),
        )
        throw error
      }
    },
    close: () => pool.end(),
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw asOperational(error)
  }
}

type Runner = pg.Pool | pg.PoolClient

async function runOn<R extends Row>(on: Runner, statement: Statement | string, values?: unknown[]): Promise<R[]> {
  const config = typeof statement === 'string' ? { text: statement, values } : statement
  const result = await on.query<R>(config)
  return result.rows
}

/** Class 53, insufficient resources, and class 58, system error. */
function isWant(error: unknown): error is Error {
  return /^(?:53|58)...$/.test(sqlState(error) ?? '')
}

/**
 * Lost connections, shutdowns and a want of disk, memory or connections become `server/unavailable`, which devices wait
 * out; SQL errors stay what they are.
 */
function asOperational(error: unknown): unknown {
  const code = sqlState(error)
  const message = error instanceof Error ? error.message : String(error)
  const lost = code === undefined && /terminat|ECONN|timeout|Connection|not queryable|closed/i.test(message)
  const down =
    code !== undefined && (/^(?:08|53|58)...$/.test(code) || code.startsWith('57P') || /^E[A-Z_]+$/.test(code))
  return lost || down ? operationalError('server/unavailable', {}, message) : error
}

/** SQLSTATE of a database error (https://www.postgresql.org/docs/18/errcodes-appendix.html). */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
