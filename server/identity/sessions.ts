import type { IncomingHttpHeaders } from 'node:http'
import { fromNodeHeaders } from 'better-auth/node'
import { operationalError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import type { ActorCache, Identified } from './actor-cache.ts'
import type { Auth } from './auth.ts'
import { actorOf } from './user.repository.ts'

const SESSION_COOKIE = /(?:^|;\s*)(?:__Secure-)?banyan\.session_token=([^;]+)/

/** Finds the person behind a browser's cookie. `known` is told when their rights change. */
export function createSessions(auth: Auth, db: Database, known: ActorCache) {
  return {
    async find(headers: IncomingHttpHeaders): Promise<Actor | undefined> {
      const cookie = SESSION_COOKIE.exec(headers.cookie ?? '')?.[1]
      return cookie === undefined ? undefined : known.get(`session ${cookie}`, () => look(auth, db, headers))
    },
  }
}

async function look(auth: Auth, db: Database, headers: IncomingHttpHeaders): Promise<Identified | undefined> {
  const found = await auth.api
    .getSession({ headers: fromNodeHeaders(headers), query: { disableCookieCache: true } })
    // It knows a wrong cookie from a right one without throwing; what it throws is trouble with the database.
    .catch((error: unknown) => {
      throw operationalError('server/unavailable', {}, `no session could be read: ${String(error)}`)
    })
  if (!found) return undefined
  const actor = await actorOf(db, found.user.id, found.session.id)
  return actor && { actor, expires: found.session.expiresAt.getTime() }
}
