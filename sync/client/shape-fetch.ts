import type { ShapeName } from '../protocol/shapes.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import { FollowedShape } from './followed-shape.ts'
import type { Identity } from './identity.ts'
import type { Socket } from './socket.ts'

/** Statuses that a Response may have no body with. */
const NO_BODY = new Set([204, 205, 304])
/** How long a live poll waits for the socket before it asks by HTTP. */
const SOCKET_WAIT_MS = 4000
/** A request without an answer by then is a dead line, ms. The body may take longer. */
const ANSWER_WITHIN_MS = 45_000

export interface ShapeFetchDeps {
  socket: Socket
  /** Whose session it is; its epoch is part of the address, so that no cache crosses a change of rights. */
  identity: Identity
  /** The server answered, or did not. */
  onReached: (authorized: boolean) => void
  onLost: () => void
}

/**
 * `fetch` for one shape's stream. Live polls share the engine's socket; everything else is a plain GET. While the
 * socket is down, a live poll becomes a short one by HTTP: ten long polls would use up the six connections that
 * HTTP/1.1 allows a page.
 */
export function shapeFetch(shape: ShapeName, deps: ShapeFetchDeps): typeof fetch {
  const { socket, identity } = deps
  const followed = new FollowedShape(socket, shape)
  const get = async (url: URL, init: RequestInit | undefined) => {
    const unanswered = new AbortController()
    const timer = setTimeout(() => unanswered.abort(), ANSWER_WITHIN_MS)
    try {
      const response = await fetch(url, plain(init, unanswered.signal))
      deps.onReached(response.status !== 401)
      return watched(response)
    } catch (error) {
      if (!init?.signal?.aborted) deps.onLost()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
  // signed out, or moved to another epoch: ask who we are before the next request
  const watched = (response: Response) => {
    if (response.status === 401 || response.status === 409) identity.doubt()
    return response
  }
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!(await identity.isOurs())) return new Response('{}', { status: 401 })
    url.searchParams.set('epoch', String(identity.epoch))
    url.searchParams.set('protocol', String(PROTOCOL_VERSION))
    const signal = init?.signal
    if (url.searchParams.get('live') !== 'true') return withoutSchema(await get(url, init))
    if (!socket.open) await pause(SOCKET_WAIT_MS, signal)
    if (socket.open) {
      const reply = await followed.read(Object.fromEntries(url.searchParams), signal)
      return withoutSchema(
        watched(
          new Response(NO_BODY.has(reply.status) ? null : reply.body, { status: reply.status, headers: reply.headers }),
        ),
      )
    }
    url.searchParams.delete('live')
    url.searchParams.delete('cursor')
    const response = await get(url, init)
    return withoutSchema(response, response.ok)
  }
}

function plain(init: RequestInit | undefined, unanswered: AbortSignal): RequestInit {
  return {
    credentials: 'same-origin',
    cache: 'no-store',
    ...(init?.headers ? { headers: init.headers } : {}),
    signal: init?.signal ? AbortSignal.any([init.signal, unanswered]) : unanswered,
  }
}

/**
 * An empty schema makes the client's parser leave every value as Postgres text: int8 stays exact, arrays and JSON
 * stay as they are. `liveCursor` supplies what a live answer must carry.
 */
function withoutSchema(response: Response, liveCursor = false): Response {
  const headers = new Headers(response.headers)
  if (headers.has('electric-schema') || !headers.has('electric-cursor')) headers.set('electric-schema', '{}')
  if (liveCursor) headers.set('electric-cursor', String(Date.now()))
  headers.delete('content-encoding')
  headers.delete('content-length')
  return new Response(response.body, { status: response.status, headers })
}

async function pause(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abandon = () => {
      clearTimeout(timer)
      reject(new DOMException('abandoned', 'AbortError'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abandon)
      resolve()
    }, ms)
    if (signal?.aborted) abandon()
    else signal?.addEventListener('abort', abandon, { once: true })
  })
}
