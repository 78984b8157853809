import { operationalError } from '../../shared/kernel/errors.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { ShapeFeed, type FeedSink } from './shape-feed.ts'
import { shapeFetch, type ShapeFetchDeps } from './shape-fetch.ts'

/** All shapes of the person, followed together; knows which have been up to date since the line was last up. */
export class Feeds {
  readonly #origin: string
  readonly #deps: ShapeFetchDeps
  readonly #feeds = new Map<ShapeName, ShapeFeed>()
  readonly #fresh = new Set<ShapeName>()
  /** When each shape was last said to be up to date, epoch ms. */
  readonly freshAt = new Map<ShapeName, number>()

  constructor(origin: string, deps: ShapeFetchDeps) {
    this.#origin = origin
    this.#deps = deps
  }

  start(sink: FeedSink): void {
    this.stop()
    for (const name of SHAPE_NAMES) {
      const feed = new ShapeFeed(name, `${this.#origin}/api/sync/shapes/${name}`, shapeFetch(name, this.#deps), sink)
      this.#feeds.set(name, feed)
      void feed.run()
    }
  }

  stop(): void {
    for (const feed of this.#feeds.values()) feed.stop()
    this.#feeds.clear()
    this.#fresh.clear()
  }

  /** Every followed shape is up to date. */
  get allFresh(): boolean {
    return this.#feeds.size > 0 && [...this.#feeds.keys()].every((name) => this.#fresh.has(name))
  }

  fresh(shape: ShapeName): void {
    if (!this.#feeds.has(shape)) return
    this.#fresh.add(shape)
    this.freshAt.set(shape, Date.now())
  }

  isFresh(shape: ShapeName): boolean {
    return this.#fresh.has(shape)
  }

  /** The line dropped, or `shape` is being loaded anew. */
  stale(shape?: ShapeName): void {
    // until this moment a quiet shape was as up to date as one that changed
    for (const name of shape ? [shape] : this.#fresh) if (this.#fresh.delete(name)) this.freshAt.set(name, Date.now())
  }

  drop(shape: ShapeName): void {
    this.#feeds.get(shape)?.stop()
    this.#feeds.delete(shape)
    this.#fresh.delete(shape)
  }

  /** Ends the long polls of shapes on `tables` (all when absent), so that they learn how far the server is. */
  refresh(tables?: readonly string[]): void {
    for (const [name, feed] of this.#feeds) if (!tables || tables.includes(SHAPES[name].table)) feed.refresh()
  }

  /** Reads a chat whole, apart from its shape's log. */
  async readChat(shape: ShapeName, chat_id: string): ReturnType<ShapeFeed['readChat']> {
    const feed = this.#feeds.get(shape)
    if (!feed) throw operationalError('server/unavailable')
    return feed.readChat(chat_id)
  }

  restart(shape: ShapeName): void {
    this.#feeds.get(shape)?.restart()
  }
}
