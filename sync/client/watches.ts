import type { TObject } from 'typebox'
import { toAppError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { NamedQuery } from '../../shared/kernel/query.ts'
import { shapeOfTable } from '../protocol/shapes.ts'
import { watchesOf, type HostCall } from './host-protocol.ts'
import { queryServer } from './http.ts'
import type { QuerySnapshot } from './local-store.ts'

type Rows = Record<string, unknown>[]

/** A query with its parameters bound. */
export interface BoundQuery {
  name: string
  params: unknown
  sql: string
  values: unknown[]
  tables: readonly string[]
}

interface Watch {
  query: BoundQuery
  listener: (snapshot: QuerySnapshot<Record<string, unknown>>) => void
  rows: Rows
  ready: boolean
  /** Where the last request went: an answer from elsewhere is out of date. */
  source: 'replica' | 'online' | undefined
  asking: boolean
  again: boolean
  /** How often a replica has been asked to watch it. */
  asked: number
}

/** Who answers for a replica. */
export interface WatchHost {
  readonly tab: string
  call(body: HostCall): Promise<unknown>
}

/** How soon a failed online query is asked again, ms. */
const RETRY_MS = 4000

/** A tab's open queries: live on the replica when there is one, else asked of the server again after each change. */
export class Watches {
  readonly #host: WatchHost
  readonly #byId = new Map<string, Watch>()
  #mode: 'replica' | 'online' = 'online'
  #closed = false
  /** A replica may be there soon: a query that the server cannot answer keeps still until that is known. */
  #hope = true

  constructor(host: WatchHost) {
    this.#host = host
  }

  add(query: BoundQuery, listener: Watch['listener']): () => void {
    const id = watchesOf(this.#host.tab) + newId()
    const watch: Watch = {
      query,
      listener,
      rows: [],
      ready: false,
      source: undefined,
      asking: false,
      again: false,
      asked: 0,
    }
    this.#byId.set(id, watch)
    this.#start(id, watch)
    return () => {
      this.#byId.delete(id)
      if (watch.source === 'replica') this.#host.call({ op: 'unwatch', watch: id }).catch(() => undefined)
    }
  }

  /** The engine's mode changed, or the engine did: ask again from the right place. Rows stay until the answer. */
  use(mode: 'replica' | 'online', hope: boolean, anew: boolean): void {
    this.#hope = hope
    if (mode === this.#mode && !anew) return
    this.#mode = mode
    for (const [id, watch] of this.#byId) this.#start(id, watch)
  }

  changed(tables: readonly string[]): void {
    for (const watch of this.#byId.values()) {
      if (watch.source !== 'online') continue
      const server = watch.query.tables.every((table) => !shapeOfTable(table))
      if (server || watch.query.tables.some((table) => tables.includes(table))) void this.#ask(watch)
    }
  }

  rows(id: string, rows: Rows): void {
    const watch = this.#byId.get(id)
    if (watch && watch.source === 'replica') this.#show(watch, rows)
  }

  failed(id: string, code: string): void {
    const watch = this.#byId.get(id)
    if (watch && watch.source === 'replica') this.#fail(watch, code)
  }

  close(): void {
    this.#closed = true
    this.#byId.clear()
  }

  #start(id: string, watch: Watch): void {
    if (sourceOf(watch.query, this.#mode) === 'online') {
      watch.source = 'online'
      void this.#ask(watch)
      return
    }
    watch.source = 'replica'
    const asked = ++watch.asked
    const { sql, values, tables } = watch.query
    this.#host.call({ op: 'watch', watch: id, sql, values, tables }).catch((error: unknown) => {
      // an engine that took over meanwhile has been asked again, or the server has
      const current = this.#byId.get(id) === watch && watch.asked === asked
      if (current && watch.source === 'replica' && !this.#closed) this.#fail(watch, toAppError(error).code)
    })
  }

  async #ask(watch: Watch): Promise<void> {
    if (watch.asking) {
      watch.again = true
      return
    }
    watch.asking = true
    try {
      do {
        watch.again = false
        const rows = await queryServer(watch.query.name, watch.query.params)
        if (watch.source === 'online') this.#show(watch, rows)
      } while (watch.again && watch.source === 'online')
    } catch (error) {
      if (watch.source === 'online') this.#retry(watch, toAppError(error).code)
    } finally {
      watch.asking = false
    }
  }

  /** Rows on the screen stay; only a query that has none yet says why. */
  #retry(watch: Watch, code: string): void {
    if (!watch.ready && !(this.#hope && code === 'server/unavailable')) this.#fail(watch, code)
    setTimeout(() => {
      if (!this.#closed && watch.source === 'online' && [...this.#byId.values()].includes(watch)) void this.#ask(watch)
    }, RETRY_MS)
  }

  #show(watch: Watch, rows: Rows): void {
    watch.rows = rows
    watch.ready = true
    watch.listener({ rows, ready: true })
  }

  #fail(watch: Watch, code: string): void {
    watch.listener({ rows: watch.rows, ready: watch.ready, error: { code } })
  }
}

/** A query of a table that no replica holds always goes to the server. */
export function sourceOf(query: { tables: readonly string[] }, mode: 'replica' | 'online'): 'replica' | 'online' {
  return mode === 'replica' && query.tables.every((table) => shapeOfTable(table)) ? 'replica' : 'online'
}

export function bound<P extends TObject, R>(
  query: NamedQuery<P, R>,
  params: Parameters<NamedQuery<P, R>['bind']>[0],
): BoundQuery {
  return { name: query.name, params, sql: query.sql, values: query.bind(params), tables: query.tables }
}
