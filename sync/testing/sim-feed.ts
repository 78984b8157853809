import type { Change } from '../core/fold-changes.ts'
import { Staging, type Position } from '../core/staging.ts'
import type { ShapeName } from '../protocol/shapes.ts'
import type { ShapeReply } from './model-shape.ts'
import type { SimBatch } from './practices.ts'
import type { SimHost } from './sim-host.ts'
import type { Task } from './sim-tasks.ts'

/** Whom a feed tells: `FeedSink` of `client/shape-feed.ts`. */
export interface SimSink {
  /** Where to go on; undefined: from the beginning. */
  position(shape: ShapeName): Position | undefined
  apply(shape: ShapeName, batch: SimBatch): Task
  refetching(shape: ShapeName): void
  revoked(shape: ShapeName): Task
}

/** One shape as the device reads it: requests in the way of the official client, gathered by the product's `Staging`. */
export class SimFeed {
  readonly #shape: ShapeName
  readonly #host: SimHost
  readonly #sink: SimSink
  #busy = false

  constructor(shape: ShapeName, host: SimHost, sink: SimSink) {
    this.#shape = shape
    this.#host = host
    this.#sink = sink
  }

  /** Asks until the shape is up to date, or the line breaks. */
  *poll(live: boolean): Task {
    if (this.#busy) return
    this.#busy = true
    yield* this.#follow(live)
    this.#busy = false
  }

  *#follow(live: boolean): Task {
    let position = this.#sink.position(this.#shape)
    const staging = new Staging(position === undefined)
    for (;;) {
      const reply = this.#ask(position, live && staging.empty)
      yield
      if (reply?.status === 409) {
        staging.startOver()
        this.#sink.refetching(this.#shape)
        position = undefined
        continue
      }
      if (reply?.status === 403) return yield* this.#sink.revoked(this.#shape)
      if (reply?.status !== 200) return
      const { changes, upToDate, seen } = parse(reply.body)
      for (const change of changes) staging.add(change)
      position = positionOf(reply)
      if (!upToDate && this.#host.practices.awaitsEnd) continue
      yield* this.#sink.apply(this.#shape, { ...staging.end(position, seen), commits: reply.commits })
      if (upToDate) return
    }
  }

  #ask(position: Position | undefined, live: boolean): ShapeReply | undefined {
    const { line, session, server } = this.#host
    if (!line || !session) return undefined
    return server.shape(this.#shape, { ...position, ...(live && position ? { live: 'true' } : {}) })
  }
}

function positionOf({ headers }: ShapeReply): Position {
  return { handle: headers['electric-handle'] ?? '', offset: headers['electric-offset'] ?? '' }
}

interface WireMessage {
  value?: Change['row']
  headers: { operation?: Change['op']; lsn?: string; control?: string; global_last_seen_lsn?: string }
}

function parse(body: string): { changes: Change[]; upToDate: boolean; seen: string | undefined } {
  const messages: WireMessage[] = JSON.parse(body)
  const last = messages.at(-1)?.headers
  return {
    changes: messages.flatMap(({ value, headers: { operation, lsn } }) =>
      value && operation ? [{ op: operation, row: value, ...(lsn ? { lsn } : {}) }] : [],
    ),
    upToDate: last?.control === 'up-to-date',
    seen: last?.global_last_seen_lsn,
  }
}
