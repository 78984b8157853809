import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { mayDo } from '../../shared/identity/permissions.ts'
import { toAppError } from '../../shared/kernel/errors.ts'
import { placeBehind, type PollFrame, type RunSnapshotFrame, type ServerFrame } from '../../sync/protocol/socket.ts'
import { namedProtocol, SPOKEN, versionTrouble, type Spoken } from '../../sync/protocol/version.ts'
import type { Log } from '../kernel/log.ts'
import { isOurHost, isSameOrigin, type OriginRules } from '../kernel/origin.ts'
import type { Actor, FindActor } from '../kernel/request.ts'
import { parseFrame } from './client-frame.ts'
import { TokenBucket } from './token-bucket.ts'
import { textOf, type Body } from '../../sync/server/http/page-body.ts'

/** What one connection may do. Beyond it the connection is closed with the reason. */
const LIMITS = {
  frameBytes: 64 * 1024,
  polls: 64,
  /** Frames from the client: a replica that comes back may ask for everything at once. */
  frames: { per_second: 100, burst: 1000 },
  socketsPerUser: 20,
  /** Unsent bytes at which a reader counts as stalled. */
  backlogBytes: 8 * 1024 * 1024,
}
const HEARTBEAT_MS = 25_000
/** Heartbeats notice a dead line, so a poll that nothing answers may stay: ten idle shapes a device cost nothing. */
const HOLD_MS = 600_000

export interface ShapeReader {
  handle(
    request: { shape: string; query: Record<string, string>; user_id: string; epoch: number; hold_ms?: number },
    signal: AbortSignal,
  ): Promise<{ status: number; headers: Record<string, string>; body: Body }>
}

export interface SocketHubDeps {
  findActor: FindActor
  origins: OriginRules
  gateway: ShapeReader
  /** Running answers of a person, sent on connect. */
  snapshots: (user_id: string) => RunSnapshotFrame[]
  log: Log
  /** Versions that this server speaks. */
  spoken?: Spoken | undefined
}

export interface SocketHub {
  attach(server: Server): void
  /** Sends a frame to every socket of a person. */
  emit(user_id: string, frame: ServerFrame): void
  /** Asks again who is behind a person's sockets; closes those whose session ended. */
  recheck(user_id: string): Promise<void>
  recheckAll(): Promise<void>
  connections(): number
  /** Live reads that wait on all connections. */
  polls(): number
  stop(): Promise<void>
}

interface Connection {
  socket: WebSocket
  /** What the socket writes to. */
  line: Duplex
  /** Frames are being gathered for one write. */
  gathering: boolean
  actor: Actor
  headers: IncomingMessage['headers']
  polls: Map<number, AbortController>
  alive: boolean
  frames: TokenBucket
}

/** `WS /api/socket`: all live shapes of a replica and everything that happens in the person's runs, on one connection. */
export function createSocketHub(deps: SocketHubDeps): SocketHub {
  const wss = new WebSocketServer({ noServer: true, maxPayload: LIMITS.frameBytes, perMessageDeflate: false })
  const users = new Map<string, Set<Connection>>()
  const spoken = deps.spoken ?? SPOKEN
  let stopping = false
  /** How often somebody's rights may have changed. */
  let changes = 0

  /** Calls `sent` when the frame is on its way, or never will be. */
  function send(connection: Connection, frame: ServerFrame, sent?: () => void): void {
    sendText(connection, JSON.stringify(frame), sent)
  }

  function sendText(connection: Connection, text: string, sent?: () => void): void {
    const { socket } = connection
    if (socket.readyState !== socket.OPEN) return sent?.()
    if (socket.bufferedAmount > LIMITS.backlogBytes) {
      // A stalled reader loses its connection, not our memory; it starts from a snapshot when it returns.
      socket.terminate()
      return sent?.()
    }
    gather(connection)
    socket.send(text, sent)
  }

  /** What one transaction changes in several shapes leaves with one write. */
  function gather(connection: Connection): void {
    if (connection.gathering) return
    connection.gathering = true
    connection.line.cork()
    process.nextTick(() => {
      connection.gathering = false
      connection.line.uncork()
    })
  }

  function close(connection: Connection, code: string, status = 4000): void {
    send(connection, { t: 'bye', code })
    connection.socket.close(status, code)
  }

  function accept(socket: WebSocket, line: Duplex, actor: Actor, request: IncomingMessage): void {
    const { headers, url } = request
    const frames = new TokenBucket(LIMITS.frames)
    const polls = new Map()
    const connection: Connection = { socket, line, gathering: false, actor, headers, polls, alive: true, frames }
    const trouble = versionTrouble(namedProtocol(parametersOf(url).get('protocol')), spoken)
    if (trouble) return close(connection, trouble, 4026)
    const own = users.get(actor.user_id) ?? new Set()
    if (own.size >= LIMITS.socketsPerUser) {
      close(connection, 'request/rate-limited', 4008)
      return
    }
    own.add(connection)
    users.set(actor.user_id, own)
    socket.on('pong', () => (connection.alive = true))
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      for (const poll of connection.polls.values()) poll.abort()
      own.delete(connection)
      if (own.size === 0) users.delete(actor.user_id)
    })
    socket.on('message', (data, isBinary) => receive(connection, data, isBinary))
    const { newest, oldest } = spoken
    send(connection, { t: 'hello', user_id: actor.user_id, protocol: newest, oldest, now: Date.now() })
    for (const snapshot of deps.snapshots(actor.user_id)) send(connection, snapshot)
  }

  function receive(connection: Connection, data: RawData, isBinary: boolean): void {
    if (!connection.frames.take()) {
      close(connection, 'request/rate-limited', 4008)
      return
    }
    const frame = isBinary ? undefined : parseFrame(String(data))
    if (!frame) {
      close(connection, 'request/invalid', 4007)
      return
    }
    if (frame.t === 'ping') send(connection, { t: 'pong' })
    else if (frame.t === 'poll.cancel') connection.polls.get(frame.id)?.abort()
    else void poll(connection, frame)
  }

  async function poll(connection: Connection, frame: PollFrame): Promise<void> {
    const { actor, polls } = connection
    if (polls.size >= LIMITS.polls || polls.has(frame.id)) {
      close(connection, 'request/invalid', 4007)
      return
    }
    if (!mayDo(actor.roles, 'sync:read')) {
      send(connection, refusal(frame.id, 403, 'auth/forbidden'))
      return
    }
    const abort = new AbortController()
    polls.set(frame.id, abort)
    try {
      for (let query: PollFrame['query'] | undefined = frame.query; query;) {
        const hold_ms = HOLD_MS * (0.75 + Math.random() / 4)
        const request = { shape: frame.shape, query, user_id: actor.user_id, epoch: actor.epoch, hold_ms }
        const { status, headers, body } = await deps.gateway.handle(request, abort.signal)
        const text = await textOf(body)
        if (abort.signal.aborted) return
        query = frame.follow && placeBehind(query, { status, headers })
        const more = query && ({ more: true } as const)
        const reply: ServerFrame = { t: 'poll.reply', id: frame.id, status, headers, body: text, ...more }
        await new Promise<void>((sent) => send(connection, reply, sent))
      }
    } catch (thrown) {
      const error = toAppError(thrown)
      if (!abort.signal.aborted) {
        if (error.kind === 'bug') deps.log.error({ event: 'socket.bug', reason: error.message })
        send(connection, refusal(frame.id, error.status, error.code))
      }
    } finally {
      polls.delete(frame.id)
    }
  }

  const heartbeat = setInterval(() => {
    for (const own of users.values()) {
      for (const connection of own) {
        if (!connection.alive) connection.socket.terminate()
        else {
          connection.alive = false
          connection.socket.ping()
        }
      }
    }
  }, HEARTBEAT_MS)
  heartbeat.unref()

  /** Looks again when rights changed during the look-up: `recheck` does not see a socket that is not there yet. */
  async function currentActor(headers: IncomingMessage['headers']): Promise<Actor | undefined> {
    for (;;) {
      const before = changes
      const actor = await deps.findActor(headers)
      if (before === changes) return actor
    }
  }

  async function recheck(user_id: string): Promise<void> {
    changes += 1
    // A connection that closes meanwhile leaves the set, so the loop goes over a copy.
    const own = Array.from(users.get(user_id) ?? [])
    for (const connection of own) {
      // Who cannot be asked about has to come again; only a known answer may sign a person out.
      const code = await deps.findActor(connection.headers).then(
        (actor) => changeOf(connection.actor, actor),
        () => 'server/unavailable' as const,
      )
      if (code) close(connection, code, code === 'server/unavailable' ? 1013 : 4001)
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const [path] = (request.url ?? '').split('?')
    if (path !== '/api/socket' || stopping) return refuseUpgrade(socket, path === '/api/socket' ? 503 : 404)
    if (!isOurHost(deps.origins, request.headers.host)) return refuseUpgrade(socket, 421)
    if (!isSameOrigin(deps.origins, request.headers)) return refuseUpgrade(socket, 403)
    const actor = await currentActor(request.headers)
    if (!actor) return refuseUpgrade(socket, 401)
    if (!mayDo(actor.roles, 'socket:connect')) return refuseUpgrade(socket, 403)
    wss.handleUpgrade(request, socket, head, (webSocket) => accept(webSocket, socket, actor, request))
  }

  return {
    attach(server) {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on('error', () => socket.destroy())
        upgrade(request, socket, head).catch((error: unknown) => {
          deps.log.warn({ event: 'socket.upgrade-failed', reason: toAppError(error).message })
          refuseUpgrade(socket, 503)
        })
      })
    },
    emit(user_id, frame) {
      const own = users.get(user_id)
      if (!own) return
      const text = JSON.stringify(frame)
      for (const connection of own) sendText(connection, text)
    },
    recheck,
    async recheckAll() {
      for (const user_id of Array.from(users.keys())) await recheck(user_id)
    },
    connections: () => [...users.values()].reduce((sum, own) => sum + own.size, 0),
    polls: () => [...users.values()].flatMap((own) => [...own]).reduce((sum, { polls }) => sum + polls.size, 0),
    async stop() {
      stopping = true
      clearInterval(heartbeat)
      for (const own of users.values()) for (const connection of own) connection.socket.close(1001, 'server stops')
      await new Promise<void>((resolve) => wss.close(() => resolve()))
      for (const own of users.values()) for (const connection of own) connection.socket.terminate()
    },
  }
}

/** What changed about the person behind a connection; undefined when nothing did. */
function changeOf(before: Actor, now: Actor | undefined): 'auth/required' | 'auth/changed' | undefined {
  if (!now) return 'auth/required'
  return now.epoch !== before.epoch || now.roles.join() !== before.roles.join() ? 'auth/changed' : undefined
}

function refusal(id: number, status: number, code: string): ServerFrame {
  const headers = { 'content-type': 'application/json', 'cache-control': 'private, no-store' }
  return { t: 'poll.reply', id, status, headers, body: JSON.stringify({ error: { code, message: code } }) }
}

function parametersOf(url: string | undefined): URLSearchParams {
  return new URLSearchParams((url ?? '').split('?')[1])
}

function refuseUpgrade(socket: Duplex, status: number): void {
  if (!socket.writable) return
  const text = STATUS_CODES[status] ?? 'Bad Request'
  socket.end(`HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
