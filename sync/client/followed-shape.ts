import type { PollReplyFrame } from '../protocol/socket.ts'
import type { PollSink, Socket } from './socket.ts'

/** Answers that may lie here unread; whoever is further behind asks again when they have caught up. */
const MOST_UNREAD = 64

type Query = Readonly<Record<string, string>>
type Line = Pick<Socket, 'follow'>

/**
 * Live reads of one shape on the socket. The server is asked once and answers whenever something happens; each read
 * takes the next answer. A read from another place than where the last answer ended asks anew.
 */
export class FollowedShape {
  readonly #line: Line
  readonly #shape: string
  #answers: Answers | undefined

  constructor(line: Line, shape: string) {
    this.#line = line
    this.#shape = shape
  }

  /** The next answer from where `query` stands. Rejects when the line drops first, or when `signal` fires. */
  async read(query: Query, signal?: AbortSignal | null): Promise<PollReplyFrame> {
    if (signal?.aborted) throw abandoned()
    const answers = this.#from(query)
    const abandon = () => answers.end()
    signal?.addEventListener('abort', abandon, { once: true })
    await answers.ready()
    signal?.removeEventListener('abort', abandon)
    if (signal?.aborted) throw abandoned()
    const frame = answers.take()
    if (!frame) throw new TypeError('socket is down')
    return frame
  }

  #from(query: Query): Answers {
    const place = placeOf(query['handle'], query['offset'])
    if (this.#answers?.place === place) return this.#answers
    this.#answers?.end()
    this.#answers = new Answers(place, (sink) => this.#line.follow(this.#shape, query, sink))
    return this.#answers
  }
}

/** The answers to one question, in their order. */
class Answers implements PollSink {
  /** Where the next answer begins; undefined when there will be none. */
  place: string | undefined
  readonly #unread: PollReplyFrame[] = []
  /** The server sends the next one by itself. */
  #more = true
  readonly #cancel: (() => void) | undefined
  #wake: (() => void) | undefined

  constructor(place: string, ask: (sink: PollSink) => (() => void) | undefined) {
    this.place = place
    this.#cancel = ask(this)
    if (!this.#cancel) this.lost()
  }

  reply(frame: PollReplyFrame): void {
    this.#unread.push(frame)
    this.#more &&= frame.more === true
    if (this.#unread.length === MOST_UNREAD) this.#stop()
    this.#wake?.()
  }

  lost(): void {
    this.#more = false
    this.#wake?.()
  }

  /** Nobody reads on. */
  end(): void {
    this.#unread.length = 0
    this.place = undefined
    this.#stop()
    this.#wake?.()
  }

  /** Settles when there is an answer, or never will be one. */
  async ready(): Promise<void> {
    if (this.#unread.length > 0 || !this.#more) return
    await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  take(): PollReplyFrame | undefined {
    const frame = this.#unread.shift()
    const goesOn = frame && (this.#more || this.#unread.length > 0)
    this.place = goesOn ? placeOf(frame.headers['electric-handle'], frame.headers['electric-offset']) : undefined
    return frame
  }

  #stop(): void {
    this.#more = false
    this.#cancel?.()
  }
}

function placeOf(handle = '', offset = ''): string {
  return `${handle} ${offset}`
}

function abandoned(): DOMException {
  return new DOMException('poll abandoned', 'AbortError')
}
