import { newId } from '../../shared/kernel/id.ts'
import { tabLockName } from './host-protocol.ts'
import { FROZEN_MS } from './host-client.ts'
import type { OpenStore, OpenStoreOptions } from './local-store.ts'
import { TabStore } from './tab-store.ts'
import type { WorkerOrder } from './worker-order.ts'

/** How long a worker may take to show life before the engine runs in the tab instead, ms. */
const WORKER_DEADLINE_MS = 15_000
/** A database that is being made can hold its worker's thread this long, ms. */
const OPENING_MS = 60_000
/** How often a tab looks whether the engine is alive, ms: longer than a beat. */
const LOOK_MS = 3000

/**
 * Opens the person's local store: starts a candidate engine in a worker (the first of all tabs leads) and returns at
 * once; reads come from the server until a replica is ready.
 */
export const openStore: OpenStore = async (options) => {
  const tab = newId()
  const locks = new AbortController()
  await new Promise<void>((held) => {
    navigator.locks
      .request(tabLockName(tab), { signal: locks.signal }, () => {
        held()
        return new Promise((_, release) => locks.signal.addEventListener('abort', release, { once: true }))
      })
      .catch(() => undefined)
  })
  const engine = new Candidate(options)
  const store = await TabStore.open(options, tab, () => {
    engine.stop()
    locks.abort()
  })
  engine.start(store)
  return store
}

/** This tab's candidate for the lead, and its watch over a leader that may be frozen. */
class Candidate {
  readonly #options: OpenStoreOptions
  #worker: Worker | undefined
  #watch: ReturnType<typeof setInterval> | undefined
  #inTab = false
  #born = Date.now()
  /** Looks in a row at which the engine had said nothing since the look before. */
  #quiet = 0

  constructor(options: OpenStoreOptions) {
    this.#options = options
  }

  start(store: TabStore): void {
    this.#born = Date.now()
    this.#spawn(false)
    this.#watch = setInterval(() => this.#look(store), LOOK_MS)
  }

  stop(): void {
    clearInterval(this.#watch)
    this.#worker?.terminate()
  }

  #spawn(steal: boolean): void {
    this.#worker?.terminate()
    try {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'banyan' })
      worker.addEventListener('error', () => void this.#runInTab())
      this.#worker = worker
      const order: WorkerOrder = { t: 'start', ...this.#options, origin: location.origin, steal }
      worker.postMessage(order)
    } catch {
      void this.#runInTab()
    }
  }

  /** Only a visible tab judges: a hidden one may be the frozen party itself. */
  #look(store: TabStore): void {
    const silent = document.visibilityState === 'visible' && store.silence > LOOK_MS
    this.#quiet = silent ? this.#quiet + 1 : 0
    const patience = store.opening ? OPENING_MS : FROZEN_MS
    if (this.#quiet * LOOK_MS < patience || Date.now() - this.#born < WORKER_DEADLINE_MS) return
    this.#born = Date.now()
    this.#spawn(true)
  }

  async #runInTab(): Promise<void> {
    if (this.#inTab) return
    this.#inTab = true
    this.#worker?.terminate()
    // only then: the engine is no part of what a page loads first
    const { lead } = await import('./lead.ts')
    void lead({ ...this.#options, origin: location.origin }, { steal: false })
  }
}
