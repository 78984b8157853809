import type { IncomingHttpHeaders } from 'node:http'
import { fromNodeHeaders } from 'better-auth/node'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import type { Auth } from './auth.ts'
import { actorOf } from './user.repository.ts'

/** A look-up through better-auth costs more than a millisecond of CPU, so answers live this long. */
const CACHE_MS = 15_000
const CACHE_ENTRIES = 10_000

interface Cached {
  actor: Actor | undefined
  until: number
}

export interface Sessions {
  find(headers: IncomingHttpHeaders): Promise<Actor | undefined>
  /** Forgets what is known of a person: called when a session ends or a role changes, in this or another process. */
  forget(user_id: string): void
}

const SESSION_COOKIE = /(?:^|;\s*)(?:__Secure-)?banyan\.session_token=([^;]+)/

export function createSessions(auth: Auth, db: Database, now: () => number = Date.now): Sessions {
  const cache = new Map<string, Cached>()

  async function look(headers: IncomingHttpHeaders): Promise<Actor | undefined> {
    const found = await auth.api.getSession({ headers: fromNodeHeaders(headers), query: { disableCookieCache: true } })
    if (!found) return undefined
    return actorOf(db, found.user.id, found.session.id)
  }

  return {
    async find(headers) {
      const cookie = SESSION_COOKIE.exec(headers.cookie ?? '')?.[1]
      if (!cookie) return undefined
      const known = cache.get(cookie)
      if (known && known.until > now()) return known.actor
      const actor = await look(headers)
      if (cache.size >= CACHE_ENTRIES) cache.clear()
      cache.set(cookie, { actor, until: now() + CACHE_MS })
      return actor
    },
    forget(user_id) {
      for (const [cookie, { actor }] of cache) {
        if (actor?.user_id === user_id) cache.delete(cookie)
      }
    },
  }
}
