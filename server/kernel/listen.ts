import pg from 'pg'
import type { Log } from './log.ts'

export type Listener = (payload: string) => void

export interface Notifications {
  on(channel: string, listener: Listener): void
  start(): Promise<void>
  stop(): Promise<void>
}

const RETRY_MS = 1_000

/**
 * One session that LISTENs for the whole process. It reconnects by itself; what was missed meanwhile is caught by
 * whoever also polls, so listeners must treat a notification as a hint.
 */
export function createNotifications(options: { url: string; log: Log }): Notifications {
  const listeners = new Map<string, Listener[]>()
  let client: pg.Client | undefined
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: options.url, application_name: 'banyan-listen' })
    next.on('error', () => undefined)
    next.on('end', () => {
      client = undefined
      if (stopped) return
      timer = setTimeout(() => void connect().catch(() => undefined), RETRY_MS)
    })
    next.on('notification', ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? '')
    })
    try {
      await next.connect()
      for (const channel of listeners.keys()) await next.query(`listen ${channel}`)
      client = next
    } catch (error) {
      options.log.warn({ event: 'listen.lost', reason: error instanceof Error ? error.message : String(error) })
      await next.end().catch(() => undefined)
      throw error
    }
  }

  return {
    on(channel, listener) {
      // Channel names are ours, so they need no quoting.
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
      if (client) void client.query(`listen ${channel}`)
    },
    start: connect,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await client?.end().catch(() => undefined)
    },
  }
}
