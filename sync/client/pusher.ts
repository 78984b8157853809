import type { Mutation, MutationResult } from '../protocol/push.ts'
import type { Pending } from '../core/pending.ts'
import { afterFailure, FRESH, type RetryState } from '../core/retry.ts'
import { nextBatch, outcomeOf } from '../core/push-batch.ts'
import { heldBack } from '../core/hold.ts'
import { isJoinable } from '../core/joining.ts'
import type { DeviceStore } from './device-store.ts'
import { adoptServerTime, serverNow } from './device.ts'
import type { pushServer } from './http.ts'
import { bury, readOutbox } from './outbox.ts'

export interface PusherEvents {
  /** Outcomes are in the outbox now. */
  onAnswered: () => Promise<void>
  onReached: () => void
  onLost: () => void
  onUnauthorized: () => void
  onProblem: (code: string) => void
  /** What `onProblem` told of last is over. */
  onSolved: (code: string) => void
}

type Push = (device_id: string, take: () => Promise<readonly Mutation[]>) => ReturnType<typeof pushServer>

/** How long a pause for sign-in or attention lasts before one careful try, ms. */
const LONG_PAUSE_MS = 60_000
const TROUBLE_PAUSE_MS = 5000

/**
 * Sends the outbox: strictly in order, one request in flight, only from the engine. Outcomes are written before
 * anything else happens, so a crash after an answer costs one duplicate push at most.
 */
export class Pusher {
  readonly #db: DeviceStore
  readonly #device_id: string
  readonly #events: PusherEvents
  readonly #push: Push
  #state: RetryState = FRESH
  #stopped = false
  #woken = true
  #wake: (() => void) | undefined
  #problem: string | undefined

  constructor(db: DeviceStore, device_id: string, events: PusherEvents, push: Push) {
    this.#db = db
    this.#device_id = device_id
    this.#events = events
    this.#push = push
  }

  /** Something is in the outbox, or the network is back: look now. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  stop(): void {
    this.#stopped = true
    this.#wake?.()
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false
      // trouble with the device database: nothing was decided, so nothing is lost by trying again
      const pause = await this.#round().catch(() => TROUBLE_PAUSE_MS)
      if (!this.#woken) await this.#sleep(pause)
    }
  }

  /** One push. Returns how long to sleep; 0 means: look again at once. */
  async #round(): Promise<number> {
    let batch = this.#batchOf(await readOutbox(this.#db), await serverNow(this.#db))
    if (batch.length === 0) {
      this.#solved()
      return LONG_PAUSE_MS
    }
    const reply = await this.#push(this.#device_id, async () => (batch = await this.#takeBatch()))
    if (this.#stopped) return 0
    if (reply.ok) {
      this.#state = FRESH
      this.#solved()
      this.#events.onReached()
      await this.#record(batch, reply.reply.results)
      if (reply.reply.now !== undefined) await adoptServerTime(this.#db, reply.reply.now)
      await this.#events.onAnswered()
      return 0
    }
    const verdict = afterFailure(this.#state, reply.failure, batch.length, Math.random())
    this.#state = verdict.state
    switch (verdict.do) {
      case 'retry':
        if (verdict.after_ms > 0) this.#events.onLost()
        return verdict.after_ms
      case 'pause':
        this.#events.onUnauthorized()
        return LONG_PAUSE_MS
      case 'attention':
        this.#problem = verdict.code
        this.#events.onProblem(verdict.code)
        return LONG_PAUSE_MS
      case 'reject': {
        const [head] = batch
        if (head) await bury(this.#db, [{ id: head.id, error: verdict.error }])
        await this.#events.onAnswered()
        return 0
      }
    }
  }

  /** What is sent may be known to the server from now on, whatever comes back: nothing may be joined with it any more. */
  async #takeBatch(): Promise<Mutation[]> {
    return this.#db.atomically(async (tx) => {
      const batch = this.#batchOf(await readOutbox(tx), await serverNow(tx))
      for (const { seq } of batch.filter(isJoinable)) await tx.outbox.update(seq, { tried: true })
      return batch
    })
  }

  #batchOf(outbox: readonly Pending[], now: number): Mutation[] {
    return nextBatch(outbox, this.#state, heldBack(outbox, now))
  }

  #solved(): void {
    if (this.#problem) this.#events.onSolved(this.#problem)
    this.#problem = undefined
  }

  /** What has moved to another place in the outbox meanwhile was not what was answered: it is sent again. */
  async #record(batch: readonly Mutation[], results: readonly MutationResult[]): Promise<void> {
    await this.#db.atomically(async (tx) => {
      for (const result of results) {
        const sent = batch.find(({ id }) => id === result.id)
        const item = sent && (await tx.outbox.get(sent.seq))
        if (item?.id === result.id) await tx.outbox.update(item.seq, { outcome: outcomeOf(result) })
      }
    })
  }

  async #sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#stopped) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
  }
}
