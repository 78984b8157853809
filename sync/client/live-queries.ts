type Rows = Record<string, unknown>[]

interface Live {
  sql: string
  values: unknown[]
  tables: readonly string[]
  /** Watch ids. */
  watchers: Set<string>
  /** Rows as last posted, as JSON; a rerun that gives the same is not posted. */
  last?: { json: string; rows: Rows } | undefined
}

export interface LiveDeps {
  read: (sql: string, values: unknown[]) => Promise<Rows>
  post: (watch: string, rows: Rows) => void
  fail: (watch: string, error: unknown) => void
}

/**
 * Queries that rerun when a table they read changes. The engine makes every write itself, so it knows the tables and
 * needs no triggers; equal queries of several tabs run once; a burst of changes is one rerun.
 */
export class LiveQueries {
  readonly #deps: LiveDeps
  readonly #byKey = new Map<string, Live>()
  readonly #keyOfWatch = new Map<string, string>()
  readonly #dirty = new Set<string>()
  #running = false

  constructor(deps: LiveDeps) {
    this.#deps = deps
  }

  watch(watch: string, sql: string, values: unknown[], tables: readonly string[]): void {
    this.unwatch(watch)
    const key = JSON.stringify([sql, values])
    const live = this.#byKey.get(key) ?? { sql, values, tables, watchers: new Set<string>() }
    this.#byKey.set(key, live)
    live.watchers.add(watch)
    this.#keyOfWatch.set(watch, key)
    if (live.last && !this.#dirty.has(key)) return this.#deps.post(watch, live.last.rows)
    // a rerun that finds what it had would post nothing, and the newcomer has nothing yet
    live.last = undefined
    this.#mark([key])
  }

  unwatch(watch: string): void {
    const key = this.#keyOfWatch.get(watch)
    if (key === undefined) return
    this.#keyOfWatch.delete(watch)
    const live = this.#byKey.get(key)
    live?.watchers.delete(watch)
    if (live?.watchers.size === 0) this.#byKey.delete(key)
  }

  /** Ends all watches whose ids begin with `prefix`. */
  unwatchAll(prefix: string): void {
    for (const watch of this.#keyOfWatch.keys()) if (watch.startsWith(prefix)) this.unwatch(watch)
  }

  changed(tables: readonly string[]): void {
    this.#mark(
      [...this.#byKey].filter(([, live]) => live.tables.some((table) => tables.includes(table))).map(([key]) => key),
    )
  }

  clear(): void {
    this.#byKey.clear()
    this.#keyOfWatch.clear()
    this.#dirty.clear()
  }

  #mark(keys: readonly string[]): void {
    for (const key of keys) this.#dirty.add(key)
    if (!this.#running) void this.#drain()
  }

  async #drain(): Promise<void> {
    this.#running = true
    await Promise.resolve()
    for (const key of this.#dirty) {
      this.#dirty.delete(key)
      const live = this.#byKey.get(key)
      if (live) await this.#rerun(live)
    }
    this.#running = false
  }

  async #rerun(live: Live): Promise<void> {
    try {
      const rows = await this.#deps.read(live.sql, live.values)
      const json = JSON.stringify(rows)
      if (live.last?.json === json) return
      live.last = { json, rows }
      for (const watch of live.watchers) this.#deps.post(watch, rows)
    } catch (error) {
      live.last = undefined
      for (const watch of live.watchers) this.#deps.fail(watch, error)
    }
  }
}
