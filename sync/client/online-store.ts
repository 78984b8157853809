import type { TObject } from 'typebox'
import { isErrorCode, operationalError, userError } from '../../shared/kernel/errors.ts'
import { formatHlc, tick, type Hlc } from '../../shared/kernel/hlc.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Mutator, MutatorArgs } from '../../shared/kernel/mutator.ts'
import type { NamedQuery, QueryParams } from '../../shared/kernel/query.ts'
import { backoff } from '../core/retry.ts'
import { reduceRun, type RunFrame } from '../core/run-overlay.ts'
import { SHAPE_NAMES, SHAPES } from '../protocol/shapes.ts'
import type { Mutation } from '../protocol/push.ts'
import type { ServerFrame } from '../protocol/socket.ts'
import { isVersionTrouble, PROTOCOL_VERSION } from '../protocol/version.ts'
import { Health } from './health.ts'
import { pushServer, queryServer } from './http.ts'
import { Identity } from './identity.ts'
import type {
  LocalStore,
  OpenStoreOptions,
  Outbox,
  QuerySnapshot,
  RunOverlay,
  ShapeStock,
  SyncStatus,
} from './local-store.ts'
import { Serial } from './serial.ts'
import { Socket } from './socket.ts'
import { bound, Watches } from './watches.ts'

/** How often everything on the screen is asked for again, ms: nothing here hears of changes from elsewhere. */
const ASK_AGAIN_MS = 5000
/** How long a change may look for the server, ms. Its person waits, with the text still in hand. */
const PATIENCE_MS = 8000

const ALL_TABLES = SHAPE_NAMES.map((name) => SHAPES[name].table)

/**
 * The last rung: a browser that keeps nothing, or cannot keep tabs apart. Reads come from the server, and a change is
 * done when the server has said so, or refused: nothing waits here, so nothing can be lost with this page.
 */
export class OnlineStore implements LocalStore {
  readonly user_id: string
  readonly device_id = newId()
  readonly #identity: Identity
  readonly #health = new Health(() => this.#tell())
  readonly #socket: Socket
  readonly #watches: Watches
  readonly #serial = new Serial()
  readonly #texts = new Map<string, string>()
  readonly #boot = new Map<string, unknown>()
  readonly #runs = new Map<string, RunOverlay>()
  readonly #statusListeners = new Set<(status: SyncStatus) => void>()
  readonly #runListeners = new Set<(run: RunOverlay) => void>()
  readonly #timer: ReturnType<typeof setInterval>
  #seq = 0
  #clock: Hlc = { ms: 0, counter: 0 }

  constructor({ user_id, epoch }: OpenStoreOptions, origin: string) {
    this.user_id = user_id
    this.#identity = new Identity(user_id, epoch)
    this.#watches = new Watches({
      tab: this.device_id,
      call: () => Promise.reject(operationalError('server/unavailable')),
    })
    this.#watches.use('online', false, false)
    this.#socket = new Socket(`${origin.replace(/^http/, 'ws')}/api/socket?protocol=${PROTOCOL_VERSION}`, {
      onFrame: (frame) => this.#frame(frame),
      onOpen: () => {
        this.#health.reached()
        this.#health.caughtUp()
        this.#askAgain()
      },
      onClose: () => {
        this.#identity.doubt()
        this.#health.lost()
      },
    })
    this.#socket.connect()
    this.#timer = setInterval(() => {
      if (this.#socket.open && document.visibilityState === 'visible') this.#askAgain()
    }, ASK_AGAIN_MS)
  }

  watch<P extends TObject, R>(
    query: NamedQuery<P, R>,
    params: QueryParams<NamedQuery<P, R>>,
    listener: (snapshot: QuerySnapshot<R>) => void,
  ): () => void {
    // rows come from the server, whose columns the query's type describes
    return this.#watches.add(bound(query, params), (snapshot) => listener(snapshot as QuerySnapshot<R>))
  }

  async read<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]> {
    return (await queryServer(query.name, params)) as R[]
  }

  readServer<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]> {
    return this.read(query, params)
  }

  /** One after another, so that they arrive in the order in which they were made. */
  async mutate<A extends TObject>(mutator: Mutator<A>, args: MutatorArgs<Mutator<A>>): Promise<{ id: string }> {
    const { name, version } = mutator
    const plain: Record<string, unknown> = JSON.parse(JSON.stringify(args))
    this.#clock = tick(this.#clock, Date.now())
    const mutation: Mutation = {
      id: newId(),
      seq: ++this.#seq,
      name,
      version,
      args: plain,
      hlc: formatHlc(this.#clock, this.device_id.slice(-12)),
      created_at: new Date().toISOString(),
    }
    await this.#serial.run(() => this.#push(mutation))
    this.#askAgain()
    return { id: mutation.id }
  }

  /** The same mutation again and again while the server is silent: it counts once. */
  async #push(mutation: Mutation): Promise<void> {
    const began = Date.now()
    for (let attempt = 0; ; attempt++) {
      const reply = await pushServer(this.#identity, this.device_id, async () => [mutation])
      if (reply.ok) {
        this.#health.reached()
        const error = reply.reply.results[0]?.error
        if (error) throw userError(isErrorCode(error.code) ? error.code : 'request/invalid')
        return
      }
      const { failure } = reply
      if (failure.kind === 'http' && failure.status < 500) {
        if (failure.status === 401) this.#health.unauthorized()
        throw userError(isErrorCode(failure.code) ? failure.code : 'auth/required')
      }
      this.#health.lost()
      const pause = backoff(attempt, Math.random())
      if (Date.now() + pause - began > PATIENCE_MS) throw operationalError('device/keeps-nothing')
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  get status(): SyncStatus {
    const nothing = { pending: 0, rejected: 0, asking: 0 }
    return { ...this.#health.view, ...nothing, mode: 'online', keeps: 'nothing', opening: false }
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
    return new Set()
  }

  /** Always empty. */
  readonly outbox: Outbox = {
    asking: () => new Map(),
    queued: async () => [],
    rejected: async () => [],
    unsent: async () => {
      const drafts = [...this.#texts].map(([chat_id, text]) => ({ chat_id, text }))
      return { user_id: this.user_id, device_id: this.device_id, queued: [], rejected: [], drafts }
    },
    hurry: () => this.#socket.hurry(),
    release: async () => undefined,
    discard: async () => undefined,
    retryRejected: async () => undefined,
    discardRejected: async () => undefined,
  }

  /** Until the page is left. */
  readonly composer = {
    read: async (chat_id: string): Promise<string> => this.#texts.get(chat_id) ?? '',
    write: async (chat_id: string, text: string): Promise<void> => {
      if (text === '') this.#texts.delete(chat_id)
      else this.#texts.set(chat_id, text)
    },
  }

  readonly boot = {
    // the caller wrote it under the same key
    read: async <T>(key: string): Promise<T | undefined> => this.#boot.get(key) as T | undefined,
    write: async (key: string, value: unknown): Promise<void> => void this.#boot.set(key, value),
  }

  /** The server has all of every chat. */
  readonly chats = {
    isHere: async (): Promise<boolean> => true,
    fetch: async (): Promise<void> => undefined,
    kept: async (): Promise<ReadonlySet<string>> => new Set<string>(),
    keep: async (_chat_id: string, keep: boolean): Promise<void> => {
      if (keep) throw operationalError('device/keeps-nothing')
    },
  }

  async stock(): Promise<ShapeStock[]> {
    return []
  }

  async query(): Promise<Record<string, unknown>[]> {
    throw operationalError('server/unavailable')
  }

  async rebuild(): Promise<void> {
    this.#askAgain()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#watches.close()
    this.#socket.close()
    this.#health.stop()
    this.#statusListeners.clear()
    this.#runListeners.clear()
  }

  #askAgain(): void {
    this.#watches.changed(ALL_TABLES)
  }

  #frame(frame: ServerFrame): void {
    switch (frame.t) {
      case 'hello':
        this.#identity.heard(frame.user_id)
        if (frame.user_id !== this.user_id) this.#health.unauthorized()
        return
      case 'bye':
        if (frame.code === 'auth/required') this.#health.unauthorized()
        if (isVersionTrouble(frame.code)) this.#health.problem(frame.code)
        return
      case 'run.snapshot':
      case 'run.text':
      case 'run.node':
      case 'run.end':
        return this.#run(frame)
      default:
    }
  }

  #run(frame: RunFrame): void {
    const run = reduceRun(this.#runs.get(frame.run), frame, Date.now())
    if (run === 'gap') return this.#socket.reconnect()
    if (!run) return
    this.#runs.set(run.run, run)
    for (const listener of this.#runListeners) listener(run)
    if (frame.t === 'run.end' || frame.t === 'run.snapshot') this.#askAgain()
  }

  #tell(): void {
    for (const listener of this.#statusListeners) listener(this.status)
  }
}
