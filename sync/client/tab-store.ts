import type { TObject } from 'typebox'
import { AppError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Mutator, MutatorArgs } from '../../shared/kernel/mutator.ts'
import type { NamedQuery, QueryParams } from '../../shared/kernel/query.ts'
import { reduceRun, type RunFrame } from '../core/run-overlay.ts'
import { DeviceDb } from './device-db.ts'
import { deviceId } from './device.ts'
import { HostClient } from './host-client.ts'
import type { HelloValue, HostEvent, HostStatus, NewMutation } from './host-protocol.ts'
import { queryServer } from './http.ts'
import type { LocalStore, OpenStoreOptions, QuerySnapshot, RunOverlay, ShapeStock, SyncStatus } from './local-store.ts'
import { keepChat, keptChats } from './kept-chats.ts'
import { enqueue } from './outbox.ts'
import { storageError } from './storage-trouble.ts'
import { TabOutbox } from './tab-outbox.ts'
import { bound, sourceOf, Watches, type BoundQuery } from './watches.ts'
import { finishWipe, wipeDevice } from './wipe.ts'

/** How long a tab waits for the engine to queue a mutation before it does so itself, ms. */
const MUTATE_DEADLINE_MS = 1500

/** How long a question to the replica waits for it to open, ms. */
const OPENING_MS = 60_000

/** How long reading an old chat may take, ms. */
const FETCH_DEADLINE_MS = 60_000

/** How long a new engine may take to tell of itself, ms. */
const GREETING_MS = 2000

/** A tab's `LocalStore`: Dexie at hand, everything else asked of the engine. */
export class TabStore implements LocalStore {
  readonly user_id: string
  readonly device_id: string
  readonly #options: OpenStoreOptions
  readonly #db: DeviceDb
  readonly #host: HostClient
  readonly #watches: Watches
  readonly #runs = new Map<string, RunOverlay>()
  readonly #statusListeners = new Set<(status: SyncStatus) => void>()
  readonly #runListeners = new Set<(run: RunOverlay) => void>()
  readonly #onClose: () => void
  readonly outbox: TabOutbox
  #hostStatus: HostStatus = { state: 'starting', mode: 'online', synced_at: null, opening: true, lasting: false }
  #closed = false
  #greeted = false

  constructor(options: OpenStoreOptions, db: DeviceDb, device_id: string, tab: string, onClose: () => void) {
    this.#options = options
    this.user_id = options.user_id
    this.device_id = device_id
    this.#db = db
    this.#onClose = onClose
    this.#host = new HostClient(
      options.user_id,
      tab,
      (event) => this.#event(event),
      () => this.#greet(),
    )
    this.#watches = new Watches(this.#host)
    this.outbox = new TabOutbox({
      db,
      user_id: options.user_id,
      device_id,
      onChanged: async () => {
        this.#host.poke()
        await this.#count()
      },
      hurry: () => this.#host.poke(),
    })
  }

  /** Opens the device database and greets the engine, if one is there already. */
  static async open(options: OpenStoreOptions, tab: string, onClose: () => void): Promise<TabStore> {
    const db = new DeviceDb(options.user_id)
    const store = new TabStore(options, db, await deviceId(db), tab, onClose)
    await store.#count()
    store.#greet()
    return store
  }

  /** Ms since the engine last showed life. */
  get silence(): number {
    return this.#host.silence
  }

  /** The engine was opening its replica when last heard. */
  get opening(): boolean {
    return this.#greeted && this.#hostStatus.opening
  }

  watch<P extends TObject, R>(
    query: NamedQuery<P, R>,
    params: QueryParams<NamedQuery<P, R>>,
    listener: (snapshot: QuerySnapshot<R>) => void,
  ): () => void {
    // rows come from SQL whose columns the query's type describes: the one edge where they get it
    return this.#watches.add(bound(query, params), (snapshot) => listener(snapshot as QuerySnapshot<R>))
  }

  async read<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]> {
    return (await this.#read(bound(query, params))) as R[]
  }

  /** Of the replica, else of the server; while a replica is being opened and the server is away, of whoever comes first. */
  async #read(query: BoundQuery): Promise<unknown> {
    const { name, params, sql, values } = query
    const replica = () => this.#host.call({ op: 'read', sql, values })
    return this.#patiently(async () => {
      if (sourceOf(query, this.#hostStatus.mode) === 'online') return queryServer(name, params)
      // an engine that has just taken over has no replica yet: the server may answer meanwhile
      return replica().catch((error: unknown) => {
        if (isUnavailable(error)) return queryServer(name, params)
        throw error
      })
    })
  }

  /** Asks again while a replica is being opened, and while an engine that has taken over has not told of itself. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    // from the first refusal: a frozen engine that is found out has cost seconds before its successor begins
    let refused: number | undefined
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        refused ??= Date.now()
        const patience = this.#hostStatus.opening ? OPENING_MS : GREETING_MS
        if (!isUnavailable(error) || this.#closed || Date.now() - refused > patience) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  async mutate<A extends TObject>(mutator: Mutator<A>, args: MutatorArgs<Mutator<A>>): Promise<{ id: string }> {
    const { name, version } = mutator
    // arguments travel as JSON: what JSON would lose must not reach the overlay either
    const plain: Record<string, unknown> = JSON.parse(JSON.stringify(args))
    const mutation: NewMutation = { id: newId(), name, version, args: plain, created_at: new Date().toISOString() }
    if (!(await this.#askEngine(mutation))) {
      await enqueue(this.#db, this.device_id, mutation).catch((error: unknown) => {
        throw storageError(error)
      })
      this.#host.poke()
    }
    await this.#count()
    return { id: mutation.id }
  }

  /**
   * Lets the engine judge a mutation on the replica and queue it. False when there is nobody to judge: no replica yet,
   * or an engine that is starting or frozen. Then the outbox is ours to write, at once, so that a page which is closed
   * in the next moment loses nothing; the id keeps it single.
   */
  async #askEngine(mutation: NewMutation): Promise<boolean> {
    if (this.#hostStatus.mode !== 'replica') return false
    try {
      await this.#host.call({ op: 'mutate', mutation }, MUTATE_DEADLINE_MS)
      return true
    } catch (error) {
      if (isUnavailable(error)) return false
      throw error
    }
  }

  get status(): SyncStatus {
    const { lasting, ...status } = this.#hostStatus
    const { pending, rejected, asking } = this.outbox.count
    const here = lasting ? 'all' : 'session'
    return { ...status, keeps: status.mode === 'replica' ? here : 'outbox', pending, rejected, asking }
  }

  onStatus(listener: (status: SyncStatus) => void): () => void {
    this.#statusListeners.add(listener)
    listener(this.status)
    return () => this.#statusListeners.delete(listener)
  }

  runOf(message_id: string): RunOverlay | undefined {
    return [...this.#runs.values()].findLast((run) => run.message === message_id)
  }

  onRun(listener: (run: RunOverlay) => void): () => void {
    this.#runListeners.add(listener)
    return () => this.#runListeners.delete(listener)
  }

  pendingIds(): ReadonlySet<string> {
    return this.outbox.count.messages
  }

  readonly composer = {
    read: async (chat_id: string): Promise<string> => (await this.#db.composer.get(chat_id))?.text ?? '',
    write: async (chat_id: string, text: string): Promise<void> => {
      if (text === '') await this.#db.composer.delete(chat_id)
      else await this.#db.composer.put({ chat_id, text })
    },
  }

  readonly boot = {
    read: async <T>(key: string): Promise<T | undefined> => {
      const value = (await this.#db.boot.get(key))?.value
      // the caller wrote it under the same key
      return value as T | undefined
    },
    write: async (key: string, value: unknown): Promise<void> => {
      await this.#db.boot.put({ key, value: JSON.parse(JSON.stringify(value ?? null)) })
    },
  }

  /** Waits for a replica that is still opening: who asks for rows wants those rows, not the news that they come later. */
  async query(sql: string, params: unknown[] = []): Promise<Record<string, unknown>[]> {
    const rows = await this.#patiently(() => this.#host.call({ op: 'query', sql, values: params }))
    // rows of a query in words have no type that anybody could know
    return rows as Record<string, unknown>[]
  }

  async stock(): Promise<ShapeStock[]> {
    // the engine's own answer
    return (await this.#host.call({ op: 'stock' })) as ShapeStock[]
  }

  readonly chats = {
    isHere: async (chat_id: string): Promise<boolean> =>
      this.#hostStatus.mode === 'online' || (await this.#host.call({ op: 'has-chat', chat_id })) === true,
    fetch: async (chat_id: string): Promise<void> => {
      await this.#host.call({ op: 'fetch-chat', chat_id }, FETCH_DEADLINE_MS)
    },
    kept: async (): Promise<ReadonlySet<string>> => new Set(await keptChats(this.#db)),
    keep: async (chat_id: string, keep: boolean): Promise<void> => {
      await keepChat(this.#db, chat_id, keep)
      // away from the server it comes when the line is back
      if (keep) await this.chats.fetch(chat_id).catch(() => undefined)
    },
  }

  /** Of the server, whatever is held here. */
  async readServer<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]> {
    return (await queryServer(query.name, params)) as R[]
  }

  async rebuild(): Promise<void> {
    await this.#host.call({ op: 'rebuild' })
  }

  async close({ wipe }: { wipe: boolean }): Promise<void> {
    if (wipe) {
      // an open connection would hold up the deletion
      this.#db.close()
      await this.#host.call({ op: 'wipe' }, 10_000).catch(() => undefined)
      this.#shut()
      // again from here, in case the engine was not there to do it
      await wipeDevice(this.user_id)
    }
    this.#shut()
  }

  #shut(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watches.close()
    this.#host.close()
    this.#db.close()
    this.#statusListeners.clear()
    this.#runListeners.clear()
    this.#onClose()
  }

  #event(event: HostEvent): void {
    switch (event.t) {
      case 'status':
        return this.#adopt(event.status)
      case 'changed':
        return this.#watches.changed(event.tables)
      case 'rows':
        return this.#watches.rows(event.watch, event.rows)
      case 'failed':
        return this.#watches.failed(event.watch, event.code)
      case 'run':
        return this.#run(event.frame)
      case 'outbox':
        return void this.#count()
      case 'wiped':
        this.#shut()
        return void finishWipe(this.user_id)
      case 'up':
      case 'beat':
        return
    }
  }

  /** Says hello to a (new) engine and asks it everything again. */
  #greet(): void {
    this.#host.call({ op: 'hello', epoch: this.#options.epoch }).then(
      (value) => {
        const { status, runs } = value as HelloValue
        for (const run of runs) this.#runs.set(run.run, run)
        this.#greeted = true
        this.#hostStatus = status
        this.#watches.use(status.mode, status.opening, true)
        this.#tellStatus()
        for (const run of runs) for (const listener of this.#runListeners) listener(run)
      },
      () => undefined,
    )
  }

  #adopt(status: HostStatus): void {
    this.#hostStatus = status
    this.#watches.use(status.mode, status.opening, false)
    this.#tellStatus()
  }

  #run(frame: RunFrame): void {
    const run = reduceRun(this.#runs.get(frame.run), frame, Date.now())
    if (!run || run === 'gap') return
    this.#runs.delete(run.run)
    this.#runs.set(run.run, run)
    for (const [id, old] of this.#runs) if (this.#runs.size > 100 && old.ended) this.#runs.delete(id)
    for (const listener of this.#runListeners) listener(run)
  }

  async #count(): Promise<void> {
    if (this.#closed) return
    // a row that cannot be understood must not keep its person out
    await this.outbox.recount().catch(() => undefined)
    this.#tellStatus()
  }

  #tellStatus(): void {
    for (const listener of this.#statusListeners) listener(this.status)
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'server/unavailable'
}
