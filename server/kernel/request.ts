import type { IncomingHttpHeaders } from 'node:http'
import type { Role } from '../../shared/identity/permissions.ts'

/** Who calls. Anonymous callers have no actor. */
export interface Actor {
  user_id: string
  name: string
  email: string
  roles: readonly Role[]
  /** Part of shape addresses; rises when rights shrink. */
  epoch: number
  /** Of a browser session; absent for API keys. */
  session_id?: string | undefined
  created_at: string
}

/** Finds the actor behind a request's cookie. */
export type FindActor = (headers: IncomingHttpHeaders) => Promise<Actor | undefined>
