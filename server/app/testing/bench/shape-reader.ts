/** A change as Electric's protocol sends it; control messages have no key. */
export interface ShapeMessage {
  key?: string
  value?: Record<string, string | null>
  headers: { operation?: 'insert' | 'update' | 'delete'; control?: string }
}

export interface ShapePosition {
  handle: string
  offset: string
  cursor: string
}

export interface ShapePage {
  at: ShapePosition
  messages: ShapeMessage[]
  /** Bytes of the body as sent, before any compression. */
  bytes: number
  upToDate: boolean
}

/** One shape of `/v1/shape`, read as Electric's client reads it, without the client's own work. */
export class ShapeReader {
  readonly #address: URL
  #at: ShapePosition = { handle: '', offset: '-1', cursor: '' }

  constructor(origin: string, parameters: Record<string, string>) {
    this.#address = new URL('/v1/shape', origin)
    for (const [name, value] of Object.entries(parameters)) this.#address.searchParams.set(name, value)
  }

  /** Reads until it is up to date. Answers with the number of changes and bytes. */
  async catchUp(signal?: AbortSignal): Promise<{ changes: number; bytes: number }> {
    let changes = 0
    let bytes = 0
    for (;;) {
      const page = await this.#read({}, signal)
      changes += page.messages.filter(({ key }) => key !== undefined).length
      bytes += page.bytes
      if (page.upToDate) return { changes, bytes }
    }
  }

  /** Reads live until `signal`, and hands on what changes. */
  async follow(onChange: (message: ShapeMessage) => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const page = await this.#read({ live: 'true' }, signal).catch((error: unknown) => {
        if (signal.aborted) return undefined
        throw error
      })
      for (const message of page?.messages ?? []) if (message.key !== undefined) onChange(message)
    }
  }

  /** The address of a live read from here on, for readers that do not read. */
  liveAddress(more: Record<string, string>): URL {
    return this.#addressOf({ live: 'true', ...more })
  }

  #addressOf(more: Record<string, string>): URL {
    const address = new URL(this.#address)
    const { handle, offset, cursor } = this.#at
    for (const [name, value] of Object.entries({ offset, handle, cursor, ...more }))
      if (value !== '') address.searchParams.set(name, value)
    return address
  }

  async #read(more: Record<string, string>, signal: AbortSignal | undefined): Promise<ShapePage> {
    const response = await fetch(this.#addressOf(more), signal ? { signal } : {})
    const text = await response.text()
    if (response.status !== 200) throw new Error(`shape: ${response.status} ${text.slice(0, 200)}`)
    this.#at = {
      handle: response.headers.get('electric-handle') ?? this.#at.handle,
      offset: response.headers.get('electric-offset') ?? this.#at.offset,
      cursor: response.headers.get('electric-cursor') ?? '',
    }
    const messages: ShapeMessage[] = text === '' ? [] : JSON.parse(text)
    const upToDate = messages.some(({ headers }) => headers.control === 'up-to-date')
    return { at: this.#at, messages, bytes: Buffer.byteLength(text), upToDate }
  }
}
