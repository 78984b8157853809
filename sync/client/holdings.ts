import { operationalError } from '../../shared/kernel/errors.ts'
import type { Held } from '../core/staging.ts'
import type { DeviceStore } from './device-store.ts'
import type { Feeds } from './feeds.ts'
import { keptChats } from './kept-chats.ts'
import { readOutbox } from './outbox.ts'
import type { ReplicaLife } from './replica-life.ts'

const DAY_MS = 86_400_000
/** Messages of the last days are held, whatever chat they are in. */
const WINDOW_DAYS = 30
/** Old chats that are held because somebody opened them: the last ones. */
const MOST_OPENED = 100
/** Of these, so many come back when everything is read anew: each is a request of its own. */
const MOST_REREAD = 20
/** Chats that reach into the window are completed by themselves, so many at most at a time. */
const MOST_COMPLETED = 20
/** How often old chats are let go of, ms. */
const TRIM_MS = 6 * 3_600_000

export interface HoldingsDeps {
  db: DeviceStore
  life: ReplicaLife
  feeds: Feeds
  /** Messages have come or gone. */
  onChanged: () => Promise<void>
}

/** Which chats the replica holds: those of the last weeks, those that were opened, and those that somebody keeps. */
export class Holdings {
  readonly #deps: HoldingsDeps
  readonly #loading = new Map<string, Promise<void>>()
  #trimmed = 0

  constructor(deps: HoldingsDeps) {
    this.#deps = deps
  }

  /** What to hold when everything is read anew: chats that somebody keeps first, then those that were opened last. */
  async wanted(): Promise<Held> {
    const opened = (await this.#deps.life.current?.held(MOST_REREAD)) ?? []
    const chats = [...new Set([...(await keptChats(this.#deps.db)), ...opened])]
    return { since: windowStart(), chats }
  }

  /** Whether a chat is here whole. Without a replica the server answers, and has all of it. */
  async has(chat_id: string): Promise<boolean> {
    const { current, status } = this.#deps.life
    return !current || status.mode === 'online' || current.isWhole(chat_id)
  }

  /** Sees to it that a chat is here whole; rejects when the server cannot be reached. */
  async fetch(chat_id: string): Promise<void> {
    if (await this.has(chat_id)) return
    const loading = this.#loading.get(chat_id) ?? this.#load(chat_id).finally(() => this.#loading.delete(chat_id))
    this.#loading.set(chat_id, loading)
    await loading
  }

  /** Completes chats that reach into the window, and lets go of old ones now and then. */
  async tidy(): Promise<void> {
    const replica = this.#deps.life.current
    if (!replica || this.#deps.life.status.mode !== 'replica') return
    await this.#deps.life.alone(() => replica.tidy())
    const wanted = [...(await keptChats(this.#deps.db)), ...(await replica.torn(MOST_COMPLETED))]
    for (const chat_id of wanted) await this.fetch(chat_id)
    if (Date.now() - this.#trimmed < TRIM_MS || (await readOutbox(this.#deps.db)).length > 0) return
    const gone = await this.#deps.life.alone(async () =>
      replica.trim({ since: windowStart(), kept: await keptChats(this.#deps.db), most: MOST_OPENED }),
    )
    this.#trimmed = Date.now()
    if (gone > 0) await this.#deps.onChanged()
  }

  async #load(chat_id: string): Promise<void> {
    const { life, feeds, onChanged } = this.#deps
    const replica = life.current
    if (!replica) throw operationalError('server/unavailable')
    const { handle, pages, meanwhile } = await feeds.readChat('messages', chat_id)
    await life.alone(() => replica.hold(chat_id, handle, pages, meanwhile))
    await onChanged()
  }
}

function windowStart(): string {
  return new Date(Date.now() - WINDOW_DAYS * DAY_MS).toISOString()
}
