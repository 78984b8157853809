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
import { operationalError } from '../../shared/kernel/errors.ts'
import type { Change } from '../core/fold-changes.ts'
import type { PartPage } from '../core/part.ts'
import { Staging, type Batch, type Held, type Position } from '../core/staging.ts'
import { isPartial, type ShapeName } from '../protocol/shapes.ts'
import { readPart } from './read-part.ts'

export interface FeedSink {
  /** Where to go on; undefined: from the beginning; `now`: only what changes from here. */
  position(shape: ShapeName): Promise<Position | 'now' | undefined>
  /** What to hold of a shape of which replicas hold a part. */
  wanted(): Promise<Held>
  /** Applies a batch and its position together. Does not return before it is done, and never throws. */
  apply(shape: ShapeName, batch: Batch): Promise<void>
  /** A refetch has begun; it ends with the next batch. */
  refetching(shape: ShapeName): void
  /** The person may no longer read this shape. */
  revoked(shape: ShapeName): Promise<void>
  failed(shape: ShapeName, status: number): void
}

/** How long what the log says is kept for rows that were read apart and are being written, ms. */
const RECORD_MS = 10_000
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
  /** The position is not to be gone on from. */
  #anew = false
  /** What the log says while rows are being read apart. */
  readonly #recorders = new Set<Change[]>()

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
    const partial = isPartial(this.shape)
    if (partial && !(await this.#loadParts(signal))) return
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
        log: partial ? 'changes_only' : 'full',
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
    const { operation, lsn, txids } = message.headers
    this.#staging.add({
      op: operation,
      row: textRow(message.value),
      txids,
      ...(typeof lsn === 'string' ? { lsn } : {}),
    })
  }

  async #control(headers: { control: string; global_last_seen_lsn?: unknown }, position: Position): Promise<void> {
    if (headers.control === 'must-refetch') {
      this.#staging.startOver()
      this.#sink.refetching(this.shape)
      if (isPartial(this.shape)) {
        // the client would go on from now: the parts must be read first
        this.#anew = true
        this.restart()
      }
      return
    }
    if (headers.control !== 'up-to-date') return
    const batch = this.#staging.end(position, headers.global_last_seen_lsn)
    for (const recorder of this.#recorders) recorder.push(...batch.changes)
    await this.#sink.apply(this.shape, batch)
  }

  /** Reads a chat whole, apart from the log. Rejects when the server cannot be reached. */
  async readChat(chat_id: string): Promise<{ handle: string; pages: PartPage[]; meanwhile: readonly Change[] }> {
    const meanwhile: Change[] = []
    this.#recorders.add(meanwhile)
    try {
      const place = await this.#sink.position(this.shape)
      if (place === undefined || place === 'now') throw operationalError('server/unavailable')
      const part = { subset: 'chat', value: chat_id }
      const { pages } = await readPart(this.#fetch, this.#url, part, place, this.#abort.signal)
      return { handle: place.handle, pages, meanwhile }
    } finally {
      // who applies the rows is told of everything until then
      setTimeout(() => this.#recorders.delete(meanwhile), RECORD_MS)
    }
  }

  /** Reads what is to be held, where nothing is yet. False when that has failed and is to be tried again. */
  async #loadParts(signal: AbortSignal): Promise<boolean> {
    const position = await this.#sink.position(this.shape)
    if (position === 'now' || (position !== undefined && !this.#anew)) return true
    this.#sink.refetching(this.shape)
    try {
      const held = await this.#sink.wanted()
      const first = await readPart(this.#fetch, this.#url, { subset: 'since', value: held.since }, undefined, signal)
      const pages = [...first.pages]
      for (const chat_id of held.chats) {
        const chat = await readPart(this.#fetch, this.#url, { subset: 'chat', value: chat_id }, first.place, signal)
        pages.push(...chat.pages)
      }
      const changes = pages.flatMap((page) => page.rows)
      const parts = { held, pages }
      await this.#sink.apply(this.shape, { changes, refetch: true, position: first.place, lsn: null, parts })
      this.#anew = false
      return true
    } catch (error) {
      if (!signal.aborted) await this.#onError(error instanceof Error ? error : new Error(String(error)))
      return false
    }
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
