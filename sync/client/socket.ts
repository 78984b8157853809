import type { ClientFrame, PollReplyFrame, ServerFrame } from '../protocol/socket.ts'
import { backoff } from '../core/retry.ts'

const PING_MS = 20_000
const SILENCE_MS = 45_000
/** A reconnecting socket never waits longer than this, ms: people watch it. */
const MAX_WAIT_MS = 15_000
/** Reasons for which the server will close the next connection, too. */
const PATIENT = /^(?:sync\/|request\/)/
/** Attempts after which the wait is at its longest. */
const MANY = 6

export interface SocketEvents {
  onFrame: (frame: ServerFrame) => void
  onOpen: () => void
  onClose: () => void
}

/** Who waits for the answers to a poll. */
export interface PollSink {
  reply: (reply: PollReplyFrame) => void
  /** The line dropped; no answer will come. */
  lost: () => void
}

/**
 * The engine's one WebSocket: reconnects for ever, hands out answers to polls by id, and says so when the line drops
 * (their owner asks again).
 */
export class Socket {
  readonly #url: string
  readonly #events: SocketEvents
  readonly #polls = new Map<number, PollSink>()
  #socket: WebSocket | undefined
  #nextPoll = 1
  #attempts = 0
  #heard = 0
  #closed = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #pinger: ReturnType<typeof setInterval> | undefined

  constructor(url: string, events: SocketEvents) {
    this.#url = url
    this.#events = events
  }

  get open(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  connect(): void {
    if (this.#closed || this.#socket) return
    clearTimeout(this.#timer)
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.addEventListener('open', () => {
      this.#attempts = 0
      this.#heard = Date.now()
      this.#pinger = setInterval(() => this.#ping(), PING_MS)
      this.#events.onOpen()
    })
    socket.addEventListener('message', (event) => this.#receive(event.data))
    socket.addEventListener('close', () => this.#dropped(socket))
    socket.addEventListener('error', () => socket.close())
  }

  /** Tries at once instead of at the end of the current pause. */
  hurry(): void {
    this.#attempts = 0
    if (!this.#socket) this.connect()
  }

  /** Drops the line to get a fresh one, with new run snapshots. */
  reconnect(): void {
    this.#attempts = 0
    this.#socket?.close()
  }

  /** Asks for live answers of a shape from a place on. Gives what ends it; undefined when the socket is down. */
  follow(shape: string, query: Record<string, string>, sink: PollSink): (() => void) | undefined {
    const id = this.#nextPoll++
    if (!this.#send({ t: 'poll', id, shape, query, follow: true })) return undefined
    this.#polls.set(id, sink)
    return () => {
      if (this.#polls.delete(id)) this.#send({ t: 'poll.cancel', id })
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.close()
  }

  #send(frame: ClientFrame): boolean {
    if (!this.open) return false
    this.#socket?.send(JSON.stringify(frame))
    return true
  }

  #ping(): void {
    if (Date.now() - this.#heard > SILENCE_MS) this.#socket?.close()
    else this.#send({ t: 'ping' })
  }

  #receive(data: unknown): void {
    this.#heard = Date.now()
    const frame = parseFrame(data)
    if (!frame) return
    if (frame.t === 'poll.reply') {
      const poll = this.#polls.get(frame.id)
      if (!frame.more) this.#polls.delete(frame.id)
      poll?.reply(frame)
      return
    }
    // who was sent away for what they are finds the same door closed again
    if (frame.t === 'bye' && PATIENT.test(frame.code)) this.#attempts = MANY
    this.#events.onFrame(frame)
  }

  #dropped(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    clearInterval(this.#pinger)
    const polls = [...this.#polls.values()]
    this.#polls.clear()
    for (const poll of polls) poll.lost()
    this.#events.onClose()
    if (this.#closed) return
    const wait =
      this.#attempts === 0 ? 250 * Math.random() : Math.min(MAX_WAIT_MS, backoff(this.#attempts - 1, Math.random()))
    this.#attempts++
    this.#timer = setTimeout(() => this.connect(), wait)
  }
}

/** A frame of our own server; anything else is dropped. */
function parseFrame(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined
  try {
    const frame: unknown = JSON.parse(data)
    if (typeof frame !== 'object' || frame === null || !('t' in frame) || typeof frame.t !== 'string') return undefined
    return frame as ServerFrame
  } catch {
    return undefined
  }
}
