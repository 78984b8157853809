import { SHAPE_NAMES, SHAPES, type ShapeName } from '../protocol/shapes.ts'
import { ShapeFeed, type FeedSink } from './shape-feed.ts'
import { shapeFetch, type ShapeFetchDeps } from './shape-fetch.ts'

/** All shapes of the person, followed together; knows which have been up to date since the line was last up. */
export class Feeds {
  readonly #origin: string
  readonly #deps: ShapeFetchDeps
  readonly #feeds = new Map<ShapeName, ShapeFeed>()
  readonly #fresh = new Set<ShapeName>()

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
    if (this.#feeds.has(shape)) this.#fresh.add(shape)
  }

  /** The line dropped, or `shape` is being loaded anew. */
  stale(shape?: ShapeName): void {
    if (shape) this.#fresh.delete(shape)
    else this.#fresh.clear()
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

  restart(shape: ShapeName): void {
    this.#feeds.get(shape)?.restart()
  }
}
