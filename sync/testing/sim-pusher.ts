import { FRESH, type PushFailure, type RetryState } from '../core/retry.ts'
import type { Mutation, MutationResult } from '../protocol/push.ts'
import type { SimHost } from './sim-host.ts'
import type { Task } from './sim-tasks.ts'

/** What becomes of one push on its way; `late`: the server gets it, but after the device has given up. */
export type PushFate = 'fine' | 'request lost' | 'answer lost' | 'twice' | 'late' | 'gateway trouble'

type Reply = { ok: true; results: MutationResult[] } | { ok: false; failure: PushFailure }

/** The rounds of `client/pusher.ts`, whose batches, outcomes and verdicts are the product's, over a line that is told what to lose. */
export class SimPusher {
  readonly #host: SimHost
  readonly #answered: () => Task
  #state: RetryState = FRESH
  #busy = false

  constructor(host: SimHost, answered: () => Task) {
    this.#host = host
    this.#answered = answered
  }

  /** One push: one request in flight, and its outcomes are written before anything else is done. */
  *round(fate: PushFate): Task {
    const { practices, idb } = this.#host
    if (this.#busy) return
    const batch = practices.batch(idb.outbox, this.#state, practices.held(idb.outbox, Date.parse(this.#host.time())))
    if (batch.length === 0) return
    this.#busy = true
    const reply = this.#send(batch, fate)
    yield
    if (reply.ok) {
      this.#state = FRESH
      this.#host.hearTime()
      for (const result of reply.results) this.#host.change(result.id, { outcome: practices.outcome(result) })
    } else {
      this.#failed(batch, reply.failure)
      yield
    }
    this.#busy = false
    yield
    yield* this.#answered()
  }

  #send(batch: Mutation[], fate: PushFate): Reply {
    const { line, session, underway } = this.#host
    this.#host.sent(batch)
    if (!line || fate === 'request lost') return lost()
    if (!session) return { ok: false, failure: { kind: 'http', status: 401 } }
    if (fate === 'late') {
      underway.push(batch)
      return lost()
    }
    try {
      let results = this.#arrive(batch)
      if (fate === 'twice') results = this.#arrive(batch)
      if (fate === 'answer lost') return lost()
      if (fate === 'gateway trouble') return { ok: false, failure: { kind: 'http', status: 503 } }
      return { ok: true, results }
    } catch {
      return { ok: false, failure: { kind: 'http', status: 500 } }
    }
  }

  #arrive(batch: Mutation[]): MutationResult[] {
    const { server, id } = this.#host
    return server.push(id, batch, this.#host.time())
  }

  #failed(batch: readonly Mutation[], failure: PushFailure): void {
    const verdict = this.#host.practices.failure(this.#state, failure, batch.length, 0.5)
    this.#state = verdict.state
    const [head] = batch
    if (verdict.do === 'reject' && head) this.#host.bury([{ id: head.id, error: verdict.error }])
    else if (failure.kind === 'network') this.#host.sendAgain(batch.map(({ id }) => id))
  }
}

function lost(): Reply {
  return { ok: false, failure: { kind: 'network' } }
}
