/** Readers who have all that a log holds, and wait for more. */
export class WaitingReaders {
  private readonly waiting = new Set<() => void>()

  get size(): number {
    return this.waiting.size
  }

  /** Settles at the next `wake`, when `signal` fires, or after `ms`. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      this.waiting.add(done)
    })
  }

  wake(): void {
    for (const done of this.waiting) done()
  }
}
