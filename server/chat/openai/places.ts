/** Counts what each person has under way in this process, so that a flood is turned away without asking the database. */
export class Places {
  readonly #most: number
  readonly #taken = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** Takes a place for as long as `work` lasts; undefined, and nothing done, when the person has none left. */
  async hold<T>(user_id: string, work: () => Promise<T>): Promise<{ result: T } | undefined> {
    const taken = this.#taken.get(user_id) ?? 0
    if (taken >= this.#most) return undefined
    this.#taken.set(user_id, taken + 1)
    try {
      return { result: await work() }
    } finally {
      const left = (this.#taken.get(user_id) ?? 1) - 1
      if (left > 0) this.#taken.set(user_id, left)
      else this.#taken.delete(user_id)
    }
  }
}
