import { newMessageIds } from '../core/effect.ts'
import { heldBack, type Held } from '../core/hold.ts'
import type { Pending } from '../core/pending.ts'
import type { DeviceStore } from './device-store.ts'
import { serverNow } from './device.ts'
import type { Outbox, QueuedMutation, RejectedMutation, Unsent } from './local-store.ts'
import { discard, forget, readOutbox, release, revive } from './outbox.ts'

export interface TabOutboxDeps {
  db: DeviceStore
  user_id: string
  device_id: string
  /** Something was changed here: the engine and the other tabs should look. */
  onChanged: () => Promise<void>
  hurry: () => void
}

/** What a tab knows of the outbox, counted anew whenever it changes. */
export interface OutboxCount {
  pending: number
  rejected: number
  asking: number
  /** Message ids that wait to be sent. */
  messages: ReadonlySet<string>
  /** Those of mutations that ask, with the mutation. */
  asked: ReadonlyMap<string, string>
}

export const NOTHING_WAITS: OutboxCount = {
  pending: 0,
  rejected: 0,
  asking: 0,
  messages: new Set(),
  asked: new Map(),
}

/** A tab's hands on the outbox: it is in Dexie, so this works without an engine. */
export class TabOutbox implements Outbox {
  readonly #deps: TabOutboxDeps
  #count: OutboxCount = NOTHING_WAITS

  constructor(deps: TabOutboxDeps) {
    this.#deps = deps
  }

  get count(): OutboxCount {
    return this.#count
  }

  asking(): ReadonlyMap<string, string> {
    return this.#count.asked
  }

  async recount(): Promise<void> {
    const { db } = this.#deps
    const outbox = await readOutbox(db)
    // What the server has answered is no longer waiting to be sent, though its rows may still be on their way here.
    const waiting = outbox.filter((item) => item.outcome === undefined)
    const { asks } = heldBack(outbox, await serverNow(db))
    const asked = waiting.filter(({ id }) => asks.has(id))
    this.#count = {
      pending: waiting.length,
      rejected: await db.dead.count(),
      asking: asks.size,
      messages: new Set(waiting.flatMap(newMessageIds)),
      asked: new Map(asked.flatMap((item) => newMessageIds(item).map((message) => [message, item.id] as const))),
    }
  }

  async queued(): Promise<QueuedMutation[]> {
    const { db } = this.#deps
    const outbox = await readOutbox(db)
    const held = heldBack(outbox, await serverNow(db))
    return outbox.map((item) => ({ ...plain(item), state: stateOf(item, held) }))
  }

  async rejected(): Promise<RejectedMutation[]> {
    const dead = await this.#deps.db.dead.toArray()
    return dead
      .sort((a, b) => a.item.seq - b.item.seq)
      .map(({ item, error, root }) => ({ ...plain(item), error, ...(root === undefined ? {} : { root }) }))
  }

  async unsent(): Promise<Unsent> {
    const { db, user_id, device_id } = this.#deps
    const drafts = (await db.composer.toArray()).filter(({ text }) => text.trim() !== '')
    const queued = (await this.queued()).filter(({ state }) => state !== 'sent')
    return { user_id, device_id, queued, rejected: await this.rejected(), drafts }
  }

  hurry(): void {
    this.#deps.hurry()
  }

  release(id: string): Promise<void> {
    return this.#change(release(this.#deps.db, id))
  }

  discard(id: string, back?: { chat_id: string; text: string }): Promise<void> {
    return this.#change(discard(this.#deps.db, id, back))
  }

  retryRejected(id: string): Promise<void> {
    return this.#change(revive(this.#deps.db, this.#deps.device_id, id))
  }

  discardRejected(id: string, back?: { chat_id: string; text: string }): Promise<void> {
    return this.#change(forget(this.#deps.db, id, back))
  }

  async #change(done: Promise<void>): Promise<void> {
    await done
    await this.#deps.onChanged()
  }
}

function plain({ id, name, args, created_at }: Pending) {
  return { id, name, args, created_at }
}

function stateOf({ id, outcome }: Pending, { asks, waits }: Held): QueuedMutation['state'] {
  if (outcome) return 'sent'
  if (asks.has(id)) return 'asks'
  return waits.has(id) ? 'behind' : 'waiting'
}
