import pg from 'pg'
import type { Log } from './log.ts'

export type Listener = (payload: string) => void

export interface Notifications {
  /** `missed` is called whenever listening begins, also again: anything may have been said before. */
  on(channel: string, listener: Listener, missed?: () => void): void
  start(): Promise<void>
  stop(): Promise<void>
}

const RETRY_MS = 1_000

/**
 * One session that LISTENs for the whole process, on a connection of its own that no pooler stands before. It
 * reconnects by itself; what is lost meanwhile is caught by `missed` and by whoever also polls, so listeners must treat
 * a notification as a hint.
 */
export function createNotifications(options: { url: string; log: Log }): Notifications {
  const listeners = new Map<string, Listener[]>()
  const missed: (() => void)[] = []
  let client: pg.Client | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: options.url,
      application_name: 'banyan-listen',
      connectionTimeoutMillis: 10_000,
      // Nothing is ever sent on this connection, so only the system can find out that the other end is gone.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    })
    next.on('error', () => undefined)
    next.on('end', () => {
      client = undefined
      if (stopped) return
      clearTimeout(timer)
      timer = setTimeout(() => void connect().catch(() => undefined), RETRY_MS)
    })
    next.on('notification', ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? '')
    })
    try {
      await next.connect()
      // Channel names are ours, so they need no quoting.
      for (const channel of listeners.keys()) await next.query(`listen ${channel}`)
    } catch (error) {
      options.log.warn({ event: 'listen.lost', reason: error instanceof Error ? error.message : String(error) })
      await next.end().catch(() => undefined)
      throw error
    }
    if (stopped) {
      await next.end().catch(() => undefined)
      return
    }
    client = next
    for (const tell of missed) tell()
  }

  return {
    on(channel, listener, whenMissed) {
      if (client) throw new Error('listeners are named before the start')
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      if (whenMissed) missed.push(whenMissed)
    },
    start: connect,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined)
    },
  }
}
