import type { ShapeName } from '../../protocol/shapes.ts'

/** One device's line to the shapes of a real server, over HTTP; told when to break and to stall. */
export class Line {
  readonly #user_id: string
  readonly #stalled = new Set<ShapeName>()
  /** The log of each shape that the server named last. */
  readonly handles = new Map<ShapeName, string>()
  #up = true
  #cut = new AbortController()
  #changed: () => void = () => undefined
  #change = this.#nextChange()

  constructor(user_id: string) {
    this.#user_id = user_id
  }

  get up(): boolean {
    return this.#up
  }

  /** Whatever is under way is lost. */
  cut(): void {
    this.#up = false
    this.#cut.abort()
    this.#cut = new AbortController()
  }

  mend(): void {
    this.#up = true
    this.#tell()
  }

  /** What the server says of a shape does not arrive until told otherwise. */
  stall(shape: ShapeName): void {
    this.#stalled.add(shape)
  }

  flow(): void {
    this.#stalled.clear()
    this.#tell()
  }

  /** `fetch` for one shape. */
  fetchOf(shape: ShapeName): typeof fetch {
    return async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      await this.#until(() => this.#up, init?.signal)
      const signal = AbortSignal.any([this.#cut.signal, ...(init?.signal ? [init.signal] : [])])
      const response = await fetch(url, { headers: { 'x-user': this.#user_id }, signal })
      const body = await response.text()
      await this.#until(() => !this.#stalled.has(shape), signal)
      const headers = new Headers(response.headers)
      this.handles.set(shape, headers.get('electric-handle') ?? '')
      // as `client/shape-fetch.ts`: values stay Postgres text
      headers.set('electric-schema', '{}')
      for (const name of ['content-encoding', 'content-length']) headers.delete(name)
      return new Response(NO_BODY.has(response.status) ? null : body, { status: response.status, headers })
    }
  }

  async #until(condition: () => boolean, signal: AbortSignal | null | undefined): Promise<void> {
    while (!condition()) {
      await Promise.race([this.#change, aborted(signal)])
      if (signal?.aborted) throw new DOMException('abandoned', 'AbortError')
    }
  }

  #tell(): void {
    const tell = this.#changed
    this.#change = this.#nextChange()
    tell()
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => (this.#changed = resolve))
  }
}

const NO_BODY = new Set([204, 205, 304])

async function aborted(signal: AbortSignal | null | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve()
    else signal?.addEventListener('abort', () => resolve(), { once: true })
  })
}
