import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'
import type { PushBody } from '../protocol/push.ts'
import { isShapeName } from '../protocol/shapes.ts'
import { placeBehind, type ClientFrame, type PollFrame, type ServerFrame } from '../protocol/socket.ts'
import { PROTOCOL_VERSION } from '../protocol/version.ts'
import type { ModelServer } from './model-server.ts'
import type { ShapeReply } from './model-shape.ts'

const POLL_MS = 20_000

export interface ModelHttp {
  server: Server
  /** Counts of what was asked, by kind. */
  seen: Record<string, number>
  send: (frame: ServerFrame) => void
  close: () => Promise<void>
}

type Query = (name: string, params: unknown) => unknown[]

/** The model server behind real HTTP and WebSocket, as a browser meets it. `query` answers `/api/query/:name`. */
export function modelHttp(
  model: ModelServer,
  query: Query,
  otherwise: (req: IncomingMessage, res: ServerResponse) => void,
): ModelHttp {
  const seen: Record<string, number> = {}
  const count = (kind: string) => (seen[kind] = (seen[kind] ?? 0) + 1)
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://model')
    const [, api, area, name = ''] = url.pathname.split('/')
    if (api !== 'api') return otherwise(req, res)
    count(area ?? '')
    if (area === 'session') return json(res, { user: { id: model.user_id, epoch: 1 } })
    if (area === 'query')
      return void body(req).then((text) => json(res, { rows: query(name, JSON.parse(text).params) }))
    if (area === 'sync' && name === 'push') {
      return void body(req).then((text) => {
        const push: PushBody = JSON.parse(text)
        json(res, { results: model.push(push.device_id, push.mutations) })
      })
    }
    const shape = url.pathname.split('/')[4] ?? ''
    if (area === 'sync' && name === 'shapes' && isShapeName(shape)) {
      return void poll(model, shape, Object.fromEntries(url.searchParams)).then((reply) => {
        res.writeHead(reply.status, { ...reply.headers, 'cache-control': 'private, no-store' }).end(reply.body)
      })
    }
    res.writeHead(404).end('{}')
  })
  const sockets = new WebSocketServer({ server, path: '/api/socket' })
  const send = (socket: WebSocket, frame: ServerFrame) => socket.send(JSON.stringify(frame))
  const follow = async ({ id, shape, query, follow }: PollFrame, socket: WebSocket) => {
    if (!isShapeName(shape)) return
    count('poll')
    for (let from: PollFrame['query'] | undefined = query; from && socket.readyState === socket.OPEN;) {
      const reply = await poll(model, shape, from)
      from = follow && placeBehind(from, reply)
      send(socket, { t: 'poll.reply', id, ...reply, ...(from && { more: true }) })
    }
  }
  sockets.on('connection', (socket) => {
    count('socket')
    send(socket, { t: 'hello', user_id: model.user_id, protocol: PROTOCOL_VERSION, now: Date.now() })
    socket.on('message', (data) => {
      const frame: ClientFrame = JSON.parse(String(data))
      if (frame.t === 'ping') return send(socket, { t: 'pong' })
      if (frame.t === 'poll') void follow(frame, socket)
    })
  })
  return {
    server,
    seen,
    send: (frame) => sockets.clients.forEach((socket) => send(socket, frame)),
    close: () =>
      new Promise((resolve) => {
        sockets.clients.forEach((socket) => socket.terminate())
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function poll(
  model: ModelServer,
  shape: Parameters<ModelServer['shape']>[0],
  query: Record<string, string>,
): Promise<ShapeReply> {
  const deadline = Date.now() + POLL_MS
  for (;;) {
    const reply = model.shape(shape, query, Date.now() >= deadline)
    if (reply) return reply
    await Promise.race([model.changed(), new Promise((resolve) => setTimeout(resolve, deadline - Date.now() + 1))])
  }
}

async function body(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) text += String(chunk)
  return text
}

function json(res: ServerResponse, value: unknown): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
