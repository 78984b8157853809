import { next, type Event, type State } from '../core/status.ts'

/** How long a broken line may take to heal before people are told, ms. */
const GRACE_MS = 3000

/** Being in step is repeated no more often than this, ms. */
const TELL_MS = 5000

export interface HealthView {
  state: State
  synced_at: number | null
  problem?: string | undefined
}

/** The status machine with what it needs to remember: open problems, reachability, time of the last agreement. */
export class Health {
  readonly #changed: (view: HealthView) => void
  readonly #problems = new Set<string>()
  #state: State = 'starting'
  #syncedAt: number | null = null
  #lost = false
  #grace: ReturnType<typeof setTimeout> | undefined

  constructor(changed: (view: HealthView) => void) {
    this.#changed = changed
  }

  /** The last agreement of an earlier life. */
  remember(syncedAt: number | null): void {
    this.#syncedAt ??= syncedAt
  }

  get view(): HealthView {
    const [problem] = this.#problems
    return { state: this.#state, synced_at: this.#syncedAt, ...(problem === undefined ? {} : { problem }) }
  }

  behind(): void {
    this.#on('behind')
  }

  caughtUp(): void {
    if (this.#lost) return
    const now = Date.now()
    const tell = this.#syncedAt === null || now - this.#syncedAt > TELL_MS
    this.#syncedAt = now
    this.#on('caught-up', tell)
  }

  /** Something failed on the way to the server; said aloud only if it lasts. */
  lost(): void {
    if (this.#lost || this.#grace) return
    this.#grace = setTimeout(() => {
      this.#grace = undefined
      this.#lost = true
      this.#on('lost')
    }, GRACE_MS)
  }

  /** The server answered: whatever it said, it is there. */
  reached(authorized = true): void {
    clearTimeout(this.#grace)
    this.#grace = undefined
    if (this.#state === 'signed-out' && authorized) this.#authorized()
    if (!this.#lost) return
    this.#lost = false
    this.#on('found')
  }

  unauthorized(): void {
    this.#on('unauthorized')
  }

  problem(code: string): void {
    this.#problems.add(code)
    this.#on('problem', true)
  }

  solved(code: string): void {
    if (!this.#problems.delete(code) || this.#problems.size > 0) return
    this.#on('solved', true)
    if (this.#lost) this.#on('lost')
  }

  stop(): void {
    clearTimeout(this.#grace)
  }

  #authorized(): void {
    this.#on('authorized')
    if (this.#problems.size > 0) this.#on('problem')
  }

  #on(event: Event, always = false): void {
    const state = next(this.#state, event)
    if (state === this.#state && !always) return
    this.#state = state
    this.#changed(this.view)
  }
}
