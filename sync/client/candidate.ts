import { CALM, LOOK_MS, suspect } from '../core/suspicion.ts'
import { Guard } from './guard.ts'
import { hostLockName, TAB_LOCK } from './host-protocol.ts'
import type { OpenStoreOptions } from './local-store.ts'
import type { WorkerNews, WorkerOrder } from './worker-order.ts'

/** How long a worker may take to show life while nobody leads, ms. */
const WORKER_DEADLINE_MS = 15_000
/** Wait before a worker that lost the lead is replaced, ms. */
const RESPAWN_MS = 1000

/** What a candidate wants to know of the engine. */
export interface EngineSigns {
  /** Ms since it was last heard. */
  readonly silence: number
  readonly opening: boolean
}

/** This tab's candidate for the lead, and its watch over a leader that may be frozen. */
export class Candidate {
  readonly #options: OpenStoreOptions
  readonly #guard: Guard
  readonly #ends = new AbortController()
  #worker: Worker | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  #suspicion = CALM
  #inTab = false
  #stealing = false
  #born = 0
  /** Other tabs were open when this one was last hidden. */
  #others = false

  constructor(options: OpenStoreOptions) {
    this.#options = options
    this.#guard = new Guard(options.user_id)
  }

  start(signs: EngineSigns): void {
    this.#spawn(false)
    this.#watch = setInterval(() => void this.#look(signs), LOOK_MS)
    const { signal } = this.#ends
    document.addEventListener('visibilitychange', () => void this.#count(), { signal })
    document.addEventListener('freeze', () => this.#yield(), { signal })
    document.addEventListener('resume', () => this.#return(), { signal })
  }

  stop(): void {
    this.#ends.abort()
    clearInterval(this.#watch)
    this.#guard.close()
    this.#worker?.terminate()
  }

  #spawn(steal: boolean): void {
    this.#retire()
    this.#born = Date.now()
    this.#suspicion = CALM
    try {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'banyan' })
      worker.addEventListener('error', () => void this.#runInTab())
      worker.addEventListener('message', (event: MessageEvent<WorkerNews>) => this.#hear(worker, event.data))
      this.#worker = worker
      const order: WorkerOrder = { t: 'start', ...this.#options, origin: location.origin, steal }
      worker.postMessage(order)
    } catch {
      void this.#runInTab()
    }
  }

  #retire(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#guard.leading = false
  }

  #hear(worker: Worker, { t }: WorkerNews): void {
    if (worker !== this.#worker) return
    this.#guard.leading = t === 'leading'
    // it was frozen and is replaced; this tab wants to be able to lead again
    if (t === 'ended') setTimeout(() => worker === this.#worker && this.#spawn(false), RESPAWN_MS)
  }

  async #look({ silence, opening }: EngineSigns): Promise<void> {
    const visible = document.visibilityState === 'visible'
    const { suspicion, verdict } = suspect(this.#suspicion, {
      visible,
      silence,
      opening,
      answered: this.#guard.takeAnswer(),
    })
    this.#suspicion = suspicion
    if (verdict === 'ask') return this.#guard.ask()
    if (verdict === 'fine' || this.#stealing) return
    this.#stealing = true
    try {
      // nobody leads: our own worker is only slow to start
      const waits = !(await heldLocks()).includes(hostLockName(this.#options.user_id))
      if (waits && Date.now() - this.#born < WORKER_DEADLINE_MS) return
      if (!this.#ends.signal.aborted && !this.#inTab) this.#spawn(true)
    } finally {
      this.#stealing = false
    }
  }

  async #count(): Promise<void> {
    if (document.visibilityState === 'visible') return
    this.#others = (await heldLocks()).filter((name) => name.startsWith(TAB_LOCK)).length > 1
  }

  /** The browser stops this tab: whoever else is there takes over at once, and finds the files closed. */
  #yield(): void {
    if (this.#others && this.#guard.leading) this.#retire()
  }

  #return(): void {
    if (!this.#worker && !this.#inTab) this.#spawn(false)
  }

  async #runInTab(): Promise<void> {
    if (this.#inTab) return
    this.#inTab = true
    this.#retire()
    // only then: the engine is no part of what a page loads first
    const { lead } = await import('./lead.ts')
    const { signal } = this.#ends
    while (!signal.aborted) {
      await lead({ ...this.#options, origin: location.origin }, { steal: false })
      await new Promise((resolve) => setTimeout(resolve, RESPAWN_MS))
    }
  }
}

async function heldLocks(): Promise<string[]> {
  const { held } = await navigator.locks.query()
  return held?.flatMap(({ name }) => name ?? []) ?? []
}
