import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Log } from './log.ts'

export interface SessionLockOptions {
  /** A direct connection: the lock lives as long as its session, which a pooler would lend to others. */
  url: string
  key: number
  /** Shows in pg_stat_activity. */
  name: string
  log: Log
  /** Not called for the first time, which `take` tells of. */
  onTaken: () => void
  onLost: () => void
}

export interface SessionLock {
  /** Asks for the lock; false when another process has kept it for `patience_ms`. From `true` on it is kept, and taken anew when lost. */
  take(patience_ms?: number): Promise<boolean>
  held(): boolean
  /** Lost, and another process has it now. */
  elsewhere(): boolean
  release(): Promise<void>
}

const PATIENCE_MS = 3_000
const ASK_EVERY_MS = 250
const RETRY_MS = 1_000
const BEAT_MS = 5_000

/** One of the processes on a database at a time, by an advisory lock on a session of its own. */
export function createSessionLock(options: SessionLockOptions): SessionLock {
  return new AdvisoryLock(options)
}

class AdvisoryLock implements SessionLock {
  readonly #options: SessionLockOptions
  /** Tells our own former session, which the server may not have missed yet, from those of others. */
  readonly #application: string
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #released = false
  #elsewhere = false

  constructor(options: SessionLockOptions) {
    this.#options = options
    this.#application = `banyan-${options.name}-${randomBytes(6).toString('hex')}`
  }

  held(): boolean {
    return this.#client !== undefined
  }

  elsewhere(): boolean {
    return this.#elsewhere
  }

  async take(patience_ms = PATIENCE_MS): Promise<boolean> {
    const until = Date.now() + patience_ms
    // The process before this one may still be ending.
    while (!(await this.#try())) {
      if (Date.now() >= until) return false
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS))
    }
    return true
  }

  async release(): Promise<void> {
    this.#released = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }

  async #try(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: this.#application,
      connectionTimeoutMillis: 10_000,
      query_timeout: BEAT_MS,
      keepAlive: true,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
        [this.#application],
      )
      const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
        this.#options.key,
      ])
      if (rows[0]?.taken && !this.#released) {
        this.#hold(client)
        return true
      }
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
    await client.end().catch(() => undefined)
    return false
  }

  #hold(client: pg.Client): void {
    this.#client = client
    const lost = (): void => {
      if (this.#client !== client) return
      this.#client = undefined
      clearTimeout(this.#timer)
      client.end().catch(() => undefined)
      this.#options.log.warn({ event: 'lock.lost', lock: this.#options.name })
      this.#options.onLost()
      this.#retake()
    }
    client.on('end', lost)
    const beat = (): void => {
      this.#timer = setTimeout(() => void client.query('select 1').then(beat, lost), BEAT_MS)
      this.#timer.unref()
    }
    beat()
  }

  #retake(): void {
    const attempt = async (): Promise<void> => {
      const taken = await this.#try().catch(() => undefined)
      if (this.#released) return
      if (taken) {
        this.#elsewhere = false
        this.#options.log.info({ event: 'lock.taken', lock: this.#options.name })
        this.#options.onTaken()
        return
      }
      if (taken === false && !this.#elsewhere) {
        this.#elsewhere = true
        this.#options.log.error({ event: 'lock.elsewhere', lock: this.#options.name })
      }
      this.#timer = setTimeout(() => void attempt(), RETRY_MS)
      this.#timer.unref()
    }
    void attempt()
  }
}
