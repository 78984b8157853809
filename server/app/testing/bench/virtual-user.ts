import { WebSocket } from 'ws'
import { newId } from '../../../../shared/kernel/id.ts'
import { SHAPE_NAMES } from '../../../../sync/protocol/shapes.ts'
import type { ServerFrame } from '../../../../sync/protocol/socket.ts'
import { PROTOCOL_VERSION } from '../../../../sync/protocol/version.ts'

export interface TurnTimes {
  /** From push to the first token at the person's socket, ms. */
  first_token: number
  /** How long we held each token: arrival less the model's sending, ms. */
  holds: number[]
  /** From push to the final row in the person's shape, ms. */
  total: number
}

export interface VirtualUser {
  connect(): Promise<void>
  /** One message in a new chat or the same one, until the replicated answer is there. */
  turn(): Promise<TurnTimes>
  close(): void
}

/** How long each token of `text` was on its way since the mock model wrote its stamp into it, ms. */
export function heldFor(text: string): number[] {
  const now = Date.now()
  return [...text.matchAll(/t([0-9a-z]+) /g)].map(([, stamp]) => now - Number.parseInt(stamp ?? '0', 36))
}

interface Waiting {
  answer: string
  started: number
  first_token?: number
  holds: number[]
  resolve: (times: TurnTimes) => void
  reject: (error: Error) => void
}

/**
 * A person's device as the browser's leader behaves: all shapes live over one socket, mutations by push, the answer
 * counted when its row has arrived in the shape.
 */
export function createVirtualUser(
  origin: string,
  cookie: string,
  agent: { agent_id: string; agent_version_id: string },
): VirtualUser {
  const device_id = newId()
  const chat_id = newId()
  const polls = new Map<number, { shape: string; handle: string; offset: string }>()
  let socket: WebSocket | undefined
  let seq = 0
  let poll_id = 0
  let last_answer: string | null = null
  let waiting: Waiting | undefined

  const headers = { cookie, origin, 'content-type': 'application/json' }

  async function syncShape(shape: string): Promise<{ handle: string; offset: string }> {
    let at = { handle: '', offset: '-1' }
    for (let step = 0; step < 100; step++) {
      const handle = at.handle ? `&handle=${at.handle}` : ''
      const response = await fetch(`${origin}/api/sync/shapes/${shape}?offset=${at.offset}${handle}`, { headers })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`shape ${shape}: ${response.status} ${text.slice(0, 200)}`)
      at = {
        handle: response.headers.get('electric-handle') ?? '',
        offset: response.headers.get('electric-offset') ?? '',
      }
      if (response.headers.has('electric-up-to-date')) return at
    }
    throw new Error(`shape ${shape} never came up to date`)
  }

  function poll(shape: string, at: { handle: string; offset: string; cursor?: string }): void {
    poll_id += 1
    polls.set(poll_id, { shape, ...at })
    const query = { live: 'true', handle: at.handle, offset: at.offset, ...(at.cursor ? { cursor: at.cursor } : {}) }
    socket?.send(JSON.stringify({ t: 'poll', id: poll_id, shape, query, follow: true }))
  }

  function receive(frame: ServerFrame): void {
    if (frame.t === 'run.text') token(frame.text)
    else if (frame.t === 'poll.reply') {
      const asked = polls.get(frame.id)
      if (!frame.more) polls.delete(frame.id)
      if (!asked) return
      if (frame.status !== 200) return fail(new Error(`poll ${asked.shape}: ${frame.status}`))
      if (asked.shape === 'messages' && waiting && frame.body.includes(waiting.answer)) answered(frame.body)
      if (frame.more) return
      poll(asked.shape, {
        handle: frame.headers['electric-handle'] ?? asked.handle,
        offset: frame.headers['electric-offset'] ?? asked.offset,
        cursor: frame.headers['electric-cursor'] ?? '',
      })
    }
  }

  function token(text: string): void {
    if (!waiting) return
    waiting.first_token ??= performance.now() - waiting.started
    waiting.holds.push(...heldFor(text))
  }

  function answered(body: string): void {
    const messages: { value?: { id?: string; workflow_status?: string } }[] = JSON.parse(body)
    const final = messages.find(({ value }) => value?.id === waiting?.answer && value?.workflow_status === 'completed')
    const failed = messages.find(({ value }) => value?.id === waiting?.answer && value?.workflow_status === 'failed')
    if (failed) return fail(new Error('the run failed'))
    if (!final || !waiting) return
    const { started, first_token, holds, resolve } = waiting
    waiting = undefined
    resolve({ first_token: first_token ?? Number.NaN, holds, total: performance.now() - started })
  }

  function fail(error: Error): void {
    const failing = waiting
    waiting = undefined
    failing?.reject(error)
  }

  return {
    async connect() {
      const positions = []
      for (const shape of SHAPE_NAMES) positions.push([shape, await syncShape(shape)] as const)
      socket = new WebSocket(`${origin.replace('http', 'ws')}/api/socket`, {
        headers: { cookie, origin },
        perMessageDeflate: false,
      })
      socket.on('message', (data) => receive(JSON.parse(String(data))))
      socket.on('close', () => fail(new Error('the socket closed')))
      const opened = socket
      await new Promise((resolve, reject) => opened.on('open', resolve).on('error', reject))
      for (const [shape, at] of positions) poll(shape, at)
    },
    async turn() {
      seq += 1
      const ids = { user_message_id: newId(), answer_message_id: newId(), execution_id: newId() }
      const args = {
        chat_id,
        parent_message_id: last_answer,
        ...ids,
        content: '请用一百个词说明本地优先软件的好处。',
        ...(seq === 1 ? { chat: { ...agent, source: 'app', title: 'bench' } } : {}),
      }
      const now = Date.now()
      const mutation = {
        id: newId(),
        seq,
        name: 'message.send',
        version: 1,
        args,
        hlc: `${String(now).padStart(13, '0')}-0000-${device_id.slice(-8)}`,
        created_at: new Date(now).toISOString(),
      }
      const done = new Promise<TurnTimes>((resolve, reject) => {
        waiting = { answer: ids.answer_message_id, started: performance.now(), holds: [], resolve, reject }
      })
      const response = await fetch(`${origin}/api/sync/push`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ protocol: PROTOCOL_VERSION, device_id, mutations: [mutation] }),
      })
      const reply = await response.text()
      if (response.status !== 200 || !reply.includes('"applied"'))
        fail(new Error(`push: ${response.status} ${reply.slice(0, 200)}`))
      const times = await done
      last_answer = ids.answer_message_id
      return times
    },
    close() {
      socket?.removeAllListeners('close')
      socket?.close()
    },
  }
}
