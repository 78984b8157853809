import {
  FetchError,
  isChangeMessage,
  isControlMessage,
  ShapeStream,
  type ChangeMessage,
  type Message,
  type Offset,
  type Row,
} from 'electric-sql'
import { Staging, type Batch, type Position } from '../core/staging.ts'
import type { ShapeName } from '../protocol/shapes.ts'

export interface FeedSink {
  /** Where to go on; undefined: from the beginning; `now`: only what changes from here. */
  position(shape: ShapeName): Promise<Position | 'now' | undefined>
  /** Applies a batch and its position together. Does not return before it is done, and never throws. */
  apply(shape: ShapeName, batch: Batch): Promise<void>
  /** A refetch has begun; it ends with the next batch. */
  refetching(shape: ShapeName): void
  /** The person may no longer read this shape. */
  revoked(shape: ShapeName): Promise<void>
  failed(shape: ShapeName, status: number): void
}

/** Wait before a torn stream is made anew, ms. */
const REMAKE_MS = 3000

/**
 * One shape, followed for ever: a `ShapeStream` with raw text values, staged until up-to-date. A stream that gives
 * up is remade from the last applied position.
 */
export class ShapeFeed {
  readonly shape: ShapeName
  readonly #sink: FeedSink
  readonly #fetch: typeof fetch
  readonly #url: string
  readonly #abort = new AbortController()
  #stream: ShapeStream<Row<never>> | undefined
  #inner: AbortController | undefined
  #staging = new Staging(false)

  constructor(shape: ShapeName, url: string, fetchClient: typeof fetch, sink: FeedSink) {
    this.shape = shape
    this.#url = url
    this.#fetch = fetchClient
    this.#sink = sink
  }

  async run(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      await this.#follow()
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, REMAKE_MS))
    }
  }

  stop(): void {
    this.#abort.abort()
    this.#stream?.unsubscribeAll()
  }

  /** Ends the current long poll, so that an idle shape learns how far the server has come. */
  refresh(): void {
    if (this.#stream?.isUpToDate) this.#stream.forceDisconnectAndRefresh().catch(() => undefined)
  }

  /** Starts over from the sink's position. */
  restart(): void {
    this.#inner?.abort()
  }

  /** Resolves when the stream has given up. */
  async #follow(): Promise<void> {
    const inner = new AbortController()
    this.#inner = inner
    const signal = AbortSignal.any([this.#abort.signal, inner.signal])
    const from = await this.#sink.position(this.shape)
    this.#staging = new Staging(from === undefined)
    await new Promise<void>((resolve) => {
      const stream = new ShapeStream<Row<never>>({
        url: this.#url,
        fetchClient: this.#fetch,
        signal,
        warnOnHttp: false,
        // Live polls travel on the socket, which notices a dead line by itself.
        liveRequestTimeoutMs: false,
        backoffOptions: { initialDelay: 500, maxDelay: 10_000, multiplier: 2 },
        ...(from === undefined
          ? {}
          : from === 'now'
            ? { offset: 'now' as const }
            : { handle: from.handle, offset: offsetOf(from.offset) }),
        onError: async (error) => this.#onError(error),
      })
      this.#stream = stream
      stream.subscribe(
        (messages) => (signal.aborted ? undefined : this.#receive(stream, messages, signal)),
        () => resolve(),
      )
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  async #receive(stream: ShapeStream<Row<never>>, messages: Message<Row<never>>[], signal: AbortSignal): Promise<void> {
    // read before anything is awaited: this is the position of exactly these messages
    const position = { handle: stream.shapeHandle ?? '', offset: stream.lastOffset }
    for (const message of messages) {
      if (signal.aborted) return
      if (isChangeMessage(message)) this.#stage(message)
      else if (isControlMessage(message)) await this.#control(message.headers, position)
    }
  }

  #stage(message: ChangeMessage<Row<never>>): void {
    const { operation, lsn } = message.headers
    this.#staging.add({ op: operation, row: textRow(message.value), ...(typeof lsn === 'string' ? { lsn } : {}) })
  }

  async #control(headers: { control: string; global_last_seen_lsn?: unknown }, position: Position): Promise<void> {
    if (headers.control === 'must-refetch') {
      this.#staging.startOver()
      this.#sink.refetching(this.shape)
      return
    }
    if (headers.control !== 'up-to-date') return
    await this.#sink.apply(this.shape, this.#staging.end(position, headers.global_last_seen_lsn))
  }

  /** Retries what may heal; a revoked shape is over. */
  async #onError(error: Error): Promise<Record<string, never> | void> {
    const status = error instanceof FetchError ? error.status : 0
    this.#sink.failed(this.shape, status)
    if (status === 403) {
      this.#abort.abort()
      await this.#sink.revoked(this.shape)
      return
    }
    if (status === 401 || status === 404 || status === 426) await new Promise((resolve) => setTimeout(resolve, 15_000))
    return error instanceof FetchError ? {} : undefined
  }
}

/** An offset as it came from the server: text like `26800584_4` or `0_inf`, whose numbers may exceed 2^53. */
function offsetOf(text: string): Offset {
  return text as Offset
}

/** Values as Postgres text or null: the schema header is withheld from the client, so it parses nothing. */
function textRow(value: Record<string, unknown>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(value).map(([name, cell]) => [name, cell === null ? null : String(cell)]))
}
