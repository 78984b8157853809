/** Allows `per_second` in the long run and `burst` at once. */
export class TokenBucket {
  readonly #per_second: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #filled: number

  constructor(limit: { per_second: number; burst: number }, now: () => number = () => performance.now()) {
    this.#per_second = limit.per_second
    this.#burst = limit.burst
    this.#now = now
    this.#tokens = limit.burst
    this.#filled = now()
  }

  /** Takes one; false when none is left. */
  take(): boolean {
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filled) / 1000) * this.#per_second)
    this.#filled = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
