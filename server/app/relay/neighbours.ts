import type { Database } from '../../kernel/db.ts'
import type { Notifications } from '../../kernel/listen.ts'
import { announce, clientAddress } from './neighbours.repository.ts'

/** Processes of one installation tell each other here who performs runs, and where. */
export const NEIGHBOUR_CHANNEL = 'banyan_neighbour'

const ANNOUNCE_MS = 15_000
/** A process that has not been heard of for so long is gone. */
const GONE_MS = 4 * ANNOUNCE_MS

export interface NeighbourOptions {
  db: Database
  notifications: Notifications
  /** Of this process, unique. */
  id: string
  /** This process performs runs, so others may want to follow it. */
  performs: boolean
  /** This process has devices, so it follows others. */
  follows: boolean
  onFound: (address: string) => void
  onGone: (address: string) => void
}

export interface Neighbours {
  /** Begins to be known under this address. */
  start(address: string): void
  stop(): void
}

interface Message {
  id: string
  /** Where the sender performs runs; absent when it only asks who does. */
  address?: string
  ask?: boolean
}

/** Finds the other processes by notifications, which need no table and leave nothing behind. */
export function findNeighbours(options: NeighbourOptions): Neighbours {
  const seen = new Map<string, number>()
  let own: string | undefined
  let timer: NodeJS.Timeout | undefined

  const say = (ask: boolean) => {
    const message: Message = { id: options.id, ...(options.performs && own ? { address: own } : {}), ask }
    // A lost word is said again at the next tick.
    announce(options.db, NEIGHBOUR_CHANNEL, JSON.stringify(message)).catch(() => undefined)
  }

  function hear(payload: string): void {
    const message = parse(payload)
    if (!message || message.id === options.id) return
    if (message.ask && options.performs && own) say(false)
    if (!options.follows || !message.address) return
    if (!seen.has(message.address)) options.onFound(message.address)
    seen.set(message.address, Date.now())
  }

  function tick(): void {
    if (options.performs) say(false)
    for (const [address, at] of seen) {
      if (Date.now() - at < GONE_MS) continue
      seen.delete(address)
      options.onGone(address)
    }
  }

  options.notifications.on(NEIGHBOUR_CHANNEL, hear, () => {
    if (own) say(options.follows)
  })

  return {
    start(address) {
      own = address
      say(options.follows)
      timer = setInterval(tick, ANNOUNCE_MS)
      timer.unref()
    },
    stop: () => clearInterval(timer),
  }
}

function parse(payload: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(payload)
    if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string')
      return undefined
    return {
      id: value.id,
      ...('address' in value && typeof value.address === 'string' ? { address: value.address } : {}),
      ask: 'ask' in value && value.ask === true,
    }
  } catch {
    return undefined
  }
}

/** Where other processes reach this one: what the environment says, the address it listens on, or the one that the database sees. */
export async function internalAddress(
  db: Database,
  env: { internalUrl: string | undefined; host: string },
  port: number,
): Promise<string> {
  if (env.internalUrl) return env.internalUrl
  const everywhere = env.host === '0.0.0.0' || env.host === '::'
  const host = everywhere ? await clientAddress(db).catch(() => undefined) : env.host
  return `http://${hostInUrl(host ?? '127.0.0.1')}:${port}`
}

const hostInUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)
