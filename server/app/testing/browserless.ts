import { WebSocket } from 'ws'
import { newId } from '../../../shared/kernel/id.ts'
import type { Mutation, PushReply } from '../../../sync/protocol/push.ts'
import type { ServerFrame } from '../../../sync/protocol/socket.ts'
import { PROTOCOL_VERSION } from '../../../sync/protocol/version.ts'

/** A device without a browser: speaks to a running server over its real paths. For tests and the bench. */
export interface Device {
  readonly id: string
  readonly origin: string
  cookie: string
  /** JSON request; `body` undefined makes a GET. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
  push(...mutations: { name: string; args: Record<string, unknown> }[]): Promise<PushReply>
  query<R = Record<string, unknown>>(name: string, params?: Record<string, unknown>): Promise<R[]>
  /** `query` goes behind the address. */
  socket(query?: string): Promise<DeviceSocket>
}

export interface Reply {
  status: number
  headers: Headers
  text: string
  json: () => Record<string, unknown>
}

export interface DeviceSocket {
  frames: ServerFrame[]
  /** Waits until a frame fits, looking at earlier ones too. */
  until(fits: (frame: ServerFrame) => boolean, ms?: number): Promise<ServerFrame>
  send(frame: unknown): void
  closed: Promise<{ code: number; reason: string }>
  close(): void
}

export function createDevice(origin: string, cookie = ''): Device {
  let seq = 0
  const device: Device = {
    id: newId(),
    origin,
    cookie,
    async request(method, path, body, headers = {}) {
      const response = await fetch(origin + path, {
        method,
        redirect: 'manual',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(device.cookie ? { cookie: device.cookie } : {}),
          origin,
          ...headers,
        },
        body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      })
      const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '')
      if (cookies.length > 0) device.cookie = cookies.join('; ')
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
    },
    async push(...mutations) {
      const now = Date.now()
      const queued: Mutation[] = mutations.map(({ name, args }) => {
        seq += 1
        return {
          id: newId(),
          seq,
          name,
          version: 1,
          args,
          hlc: `${String(now).padStart(13, '0')}-${seq.toString(16).padStart(4, '0')}-${device.id.slice(-8)}`,
          created_at: new Date(now).toISOString(),
        }
      })
      const reply = await device.request('POST', '/api/sync/push', {
        protocol: PROTOCOL_VERSION,
        device_id: device.id,
        mutations: queued,
      })
      if (reply.status !== 200) throw new Error(`push answered ${reply.status}: ${reply.text}`)
      return JSON.parse(reply.text)
    },
    async query(name, params = {}) {
      const reply = await device.request('POST', `/api/query/${name}`, { params })
      if (reply.status !== 200) throw new Error(`query ${name} answered ${reply.status}: ${reply.text}`)
      return JSON.parse(reply.text).rows
    },
    socket: (query = '') => openSocket(origin, device.cookie, query),
  }
  return device
}

function openSocket(origin: string, cookie: string, query: string): Promise<DeviceSocket> {
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/socket${query}`, { headers: { cookie, origin } })
  const frames: ServerFrame[] = []
  const waiting = new Set<(frame: ServerFrame) => void>()
  socket.on('message', (data) => {
    const frame: ServerFrame = JSON.parse(String(data))
    frames.push(frame)
    for (const wait of waiting) wait(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  )
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () =>
      resolve({
        frames,
        closed,
        send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
        close: () => socket.close(),
        until: (fits, ms = 10_000) =>
          new Promise((done, fail) => {
            const known = frames.find(fits)
            if (known) return done(known)
            const timer = setTimeout(() => {
              waiting.delete(look)
              fail(new Error(`no such frame within ${ms} ms; last: ${JSON.stringify(frames.at(-1))}`))
            }, ms)
            const look = (frame: ServerFrame) => {
              if (!fits(frame)) return
              clearTimeout(timer)
              waiting.delete(look)
              done(frame)
            }
            waiting.add(look)
          }),
      }),
    )
  })
}

/** Arguments of a first message to an agent's locked version. */
export function firstMessage(
  agent: { agent_id: string; agent_version_id: string | null },
  content = '你好，请用一句话介绍你自己',
) {
  return {
    chat_id: newId(),
    parent_message_id: null,
    user_message_id: newId(),
    answer_message_id: newId(),
    execution_id: newId(),
    content,
    chat: { ...agent, source: agent.agent_version_id ? 'app' : 'draft', title: content.slice(0, 40) },
  }
}
