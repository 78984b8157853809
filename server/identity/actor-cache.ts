import type { Actor } from '../kernel/request.ts'

/** Finding out who calls costs a millisecond or more. Changes of rights are announced; this is for what is not. */
const KNOWN_MS = 5 * 60_000
/** A credential that nobody is behind may be given to somebody. */
const UNKNOWN_MS = 15_000
const CACHE_ENTRIES = 10_000

/** Who is behind a credential, and until when it is valid (ms since the epoch; undefined: without an end). */
export interface Identified {
  actor: Actor
  expires: number | undefined
}

/** Remembers for a while who is behind a credential, and forgets a person when their rights change. */
export class ActorCache {
  readonly #now: () => number
  readonly #known = new Map<string, { actor: Actor | undefined; until: number }>()
  /** For each look-up under way: whom it must not bring back. */
  readonly #looking = new Set<Set<string>>()
  /** Rises with `clear`. */
  #generation = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Who is behind `credential`: what is known, or what `look` finds. */
  async get(credential: string, look: () => Promise<Identified | undefined>): Promise<Actor | undefined> {
    const known = this.#known.get(credential)
    if (known && known.until > this.#now()) return known.actor
    const forgotten = new Set<string>()
    const generation = this.#generation
    this.#looking.add(forgotten)
    try {
      const found = await look()
      const actor = found?.actor
      // What was read before the rights changed answers this one call and is not kept.
      const isStale = generation !== this.#generation || (actor && forgotten.has(actor.user_id))
      if (!isStale) this.#keep(credential, found)
      return actor
    } finally {
      this.#looking.delete(forgotten)
    }
  }

  forget(user_id: string): void {
    for (const forgotten of this.#looking) forgotten.add(user_id)
    for (const [credential, { actor }] of this.#known) if (actor?.user_id === user_id) this.#known.delete(credential)
  }

  clear(): void {
    this.#generation += 1
    this.#known.clear()
  }

  #keep(credential: string, found: Identified | undefined): void {
    if (this.#known.size >= CACHE_ENTRIES) this.#known.clear()
    const until = this.#now() + (found ? KNOWN_MS : UNKNOWN_MS)
    this.#known.set(credential, { actor: found?.actor, until: Math.min(until, found?.expires ?? until) })
  }
}
