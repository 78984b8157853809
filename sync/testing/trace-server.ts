import type { Trace, TraceMessage } from './trace.ts'

/** A place in a trace: behind so many messages of one life of the shape. */
export interface Place {
  life: number
  index: number
}

interface Entry {
  message: TraceMessage
  /** Offset behind it. */
  offset: string
  /** A recorded answer ended here. */
  ends: boolean
}

interface Life {
  handle: string
  entries: Entry[]
}

/** Answers a reader out of a recorded trace, with one more end of an answer than there was: at `cut`. */
export class TraceServer {
  readonly #lives: Life[]
  readonly #cut: Place | undefined
  readonly #dies: boolean
  readonly #onDeath: () => void
  readonly #told = new Set<Entry>()
  #now = 0
  #dead = false

  /** `onDeath`, when given, is called once the reader has all up to the cut and asks for more; it gets no answer. */
  constructor(trace: Trace, cut?: Place, onDeath?: () => void) {
    this.#lives = livesOf(trace)
    this.#cut = cut
    this.#dies = onDeath !== undefined
    this.#onDeath = onDeath ?? (() => undefined)
  }

  /** Every place that an answer, or a process, can end at. */
  get places(): Place[] {
    return this.#lives.flatMap(({ entries }, life) => entries.map((_, index) => ({ life, index: index + 1 })))
  }

  /** Where a reader stands in the end. */
  get end(): { handle: string; offset: string; lsn: string | undefined } {
    const life = this.#lives.at(-1)
    const last = life?.entries.at(-1)
    const lsn = last?.message.headers.global_last_seen_lsn
    return { handle: life?.handle ?? '', offset: last?.offset ?? '', lsn }
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const query = new URL(input instanceof Request ? input.url : input).searchParams
    const offset = query.get('offset') ?? '-1'
    const live = query.get('live') === 'true'
    const life = this.#lives[this.#now]
    if (!life) throw new Error('an empty trace')
    if (offset !== '-1' && query.get('handle') !== life.handle) return refetch(life.handle)
    const from = offset === '-1' ? 0 : 1 + this.#placeOf(life, offset, live)
    if (this.#dies && !this.#dead && this.#isCut(from)) {
      this.#dead = true
      this.#onDeath()
      return silence(init?.signal)
    }
    if (from < life.entries.length) {
      const to = this.#endAfter(life, from)
      for (const entry of life.entries.slice(from, to)) this.#told.add(entry)
      return answer(life, from, to, live)
    }
    const next = this.#lives[this.#now + 1]
    if (!next) return silence(init?.signal)
    this.#now++
    return refetch(next.handle)
  }

  /** One offset may stand before and behind an up-to-date: behind, for who has been told of it and asks for what is new. */
  #placeOf({ entries }: Life, offset: string, live: boolean): number {
    const is = (entry: Entry) => entry.offset === offset
    const last = entries.findLast(is)
    return live && last && this.#told.has(last) ? entries.lastIndexOf(last) : entries.findIndex(is)
  }

  #isCut(index: number): boolean {
    return this.#cut?.life === this.#now && this.#cut.index === index
  }

  #endAfter({ entries }: Life, from: number): number {
    const end = entries.findIndex(({ ends }, index) => index >= from && (ends || this.#isCut(index + 1)))
    return end < 0 ? entries.length : end + 1
  }
}

function livesOf({ pages }: Trace): Life[] {
  const lives: Life[] = []
  for (const { status, handle, offset, messages } of pages) {
    if (status !== 200) continue
    const open = lives.at(-1)
    const entries: Entry[] = open?.handle === handle ? open.entries : []
    if (open?.entries !== entries) lives.push({ handle, entries })
    const first = entries.length
    for (const [at, message] of messages.entries()) {
      const ends = at === messages.length - 1
      const { lsn, op_position } = message.headers
      const within = lsn === undefined ? `0_${1000 + first + at}` : `${lsn}_${op_position}`
      entries.push({ message, ends, offset: ends ? offset : within })
    }
  }
  return lives
}

function answer({ handle, entries }: Life, from: number, to: number, live: boolean): Response {
  const page = entries.slice(from, to)
  const upToDate = page.at(-1)?.message.headers.control === 'up-to-date'
  const headers = {
    'electric-handle': handle,
    'electric-offset': page.at(-1)?.offset ?? '',
    ...(live ? { 'electric-cursor': '1' } : { 'electric-schema': '{}' }),
    ...(upToDate ? { 'electric-up-to-date': '' } : {}),
  }
  return Response.json(
    page.map(({ message }) => message),
    { headers },
  )
}

function refetch(handle: string): Response {
  const headers = { 'electric-handle': handle }
  return Response.json([{ headers: { control: 'must-refetch' } }], { status: 409, headers })
}

function silence(signal: AbortSignal | null | undefined): Promise<Response> {
  return new Promise((_, reject) => {
    const end = () => reject(new DOMException('abandoned', 'AbortError'))
    if (signal?.aborted) end()
    else signal?.addEventListener('abort', end, { once: true })
  })
}
