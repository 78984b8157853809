import type { TObject } from 'typebox'
import type { Mutator, MutatorArgs } from '../../shared/kernel/mutator.ts'
import type { NamedQuery, QueryParams } from '../../shared/kernel/query.ts'
import type { ShapeName } from '../protocol/shapes.ts'

/** State of synchronisation, in terms the interface can put into words. Derived by the engine, never from `navigator.onLine`. */
export type SyncState =
  /** First visit: reads come from the server until the replica is ready. */
  | 'starting'
  | 'syncing'
  | 'synced'
  | 'offline'
  | 'signed-out'
  /** Something waits for the person: a refused change, a full disk, an outdated client. */
  | 'attention'

/** What outlives this page, from everything to nothing. */
export type Keeps =
  /** The replica, and what has not been sent. */
  | 'all'
  /** The same, but the replica goes when the browser is closed: it has no room, or gives none. */
  | 'session'
  /** What has not been sent, and what was last shown: there can be no replica here. */
  | 'outbox'
  /** Nothing: no storage may be used here. What the server does not take at once is refused. */
  | 'nothing'

export interface SyncStatus {
  state: SyncState
  /** `replica`: reads come from PGlite; `online`: this browser holds no replica, reads go to the server. */
  mode: 'replica' | 'online'
  keeps: Keeps
  /** A replica is being opened: what this device keeps is not known yet. */
  opening: boolean
  /** Mutations that have not left this device or are not yet confirmed. */
  pending: number
  /** Refused mutations that the person has not looked at. */
  rejected: number
  /** Those of `pending` that are so old that the person is asked before they are sent. */
  asking: number
  /** Epoch ms of the last time everything was known to be in step; null before the first. */
  synced_at: number | null
  /** Why `attention`, as an error code. */
  problem?: string | undefined
  /** Replica bytes on this device, when the browser tells. */
  bytes?: number | undefined
}

/** A mutation as its person would know it. */
interface KeptMutation {
  id: string
  name: string
  args: Record<string, unknown>
  created_at: string
}

/** A mutation in the outbox. */
export interface QueuedMutation extends KeptMutation {
  /**
   * `waiting` for the network or its turn; `sent`: decided by the server, its rows are on the way; `asks`: old, not
   * sent before the person says so; `behind` one that asks.
   */
  state: 'waiting' | 'sent' | 'asks' | 'behind'
}

/** A mutation that the server refused. Nothing is dropped silently: the arguments stay until the person decides. */
export interface RejectedMutation extends KeptMutation {
  error: { code: string; params?: Record<string, unknown> | undefined }
  /** The refused one that it rested on; absent: it was refused itself. */
  root?: string | undefined
}

/** Everything on this device that the server does not have. */
export interface Unsent {
  user_id: string
  device_id: string
  queued: QueuedMutation[]
  rejected: RejectedMutation[]
  /** Texts in composers, by chat. */
  drafts: { chat_id: string; text: string }[]
}

/** What has not reached the server, and what the person may do about it. */
export interface Outbox {
  /** Message ids whose mutation asks before it is sent, with that mutation's id. */
  asking(): ReadonlyMap<string, string>
  queued(): Promise<QueuedMutation[]>
  rejected(): Promise<RejectedMutation[]>
  unsent(): Promise<Unsent>
  /** Tries to send now instead of at the end of the current pause. */
  hurry(): void
  /** Sends a mutation that asks. */
  release(id: string): Promise<void>
  /** Drops an unsent mutation; with `back`, its text goes to that chat's composer in the same step. */
  discard(id: string, back?: { chat_id: string; text: string }): Promise<void>
  /** Puts a refused mutation and those that rested on it back under new ids. */
  retryRejected(id: string): Promise<void>
  /** Drops a refused mutation and those that rested on it; with `back`, only it, and its text goes to the composer. */
  discardRejected(id: string, back?: { chat_id: string; text: string }): Promise<void>
}

/** What the replica holds of one shape. */
export interface ShapeStock {
  shape: ShapeName
  rows: number
  bytes: number
  /** Up to date at this moment. */
  fresh: boolean
  /** When it was last known to be up to date, epoch ms; null: never. */
  fresh_at: number | null
}

/** A running answer, as the socket tells it; lives in memory until the final row arrives. */
export interface RunOverlay {
  run: string
  message: string
  chat: string
  text: string
  seq: number
  attempt: number
  node?: string | undefined
  /** Steps in order of start. */
  steps: {
    node: string
    label?: string | undefined
    phase: 'start' | 'end' | 'fail'
    started_at: number
    ended_at?: number | undefined
  }[]
  demo?: boolean | undefined
  ended?: 'completed' | 'failed' | 'cancelled' | 'paused' | undefined
}

export interface QuerySnapshot<R> {
  rows: R[]
  /** False until the first answer; then the interface may show an empty state. */
  ready: boolean
  error?: { code: string } | undefined
}

/**
 * Everything the interface needs of local data: one interface over the replica and over its online twin. All methods
 * work in every tab; the engine itself runs in one leader worker.
 */
export interface LocalStore {
  readonly user_id: string
  readonly device_id: string
  /** Calls `listener` now or as soon as known, and after each change. Returns the way to stop. */
  watch<P extends TObject, R>(
    query: NamedQuery<P, R>,
    params: QueryParams<NamedQuery<P, R>>,
    listener: (snapshot: QuerySnapshot<R>) => void,
  ): () => void
  /** One answer. */
  read<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]>
  /**
   * Queues a mutation: durable in the outbox when the promise resolves, visible in queries at once. Rejects with an
   * AppError when the mutator refuses it on this device.
   */
  mutate<A extends TObject>(mutator: Mutator<A>, args: MutatorArgs<Mutator<A>>): Promise<{ id: string }>
  readonly status: SyncStatus
  onStatus(listener: (status: SyncStatus) => void): () => void
  /** Overlay of the run that answers `message_id`. */
  runOf(message_id: string): RunOverlay | undefined
  onRun(listener: (run: RunOverlay) => void): () => void
  /** Message ids that wait on this device for the network (not yet confirmed by the server). */
  pendingIds(): ReadonlySet<string>
  readonly outbox: Outbox
  /** What the replica holds; empty without one. */
  stock(): Promise<ShapeStock[]>
  /** Composer text per chat: on this device only, survives everything but sign-out. */
  composer: {
    read(chat_id: string): Promise<string>
    write(chat_id: string, text: string): Promise<void>
  }
  /** Small values for the next start's first paint (last chat, theme); survives a lost replica. */
  boot: {
    read<T>(key: string): Promise<T | undefined>
    write(key: string, value: unknown): Promise<void>
  }
  /** Chats of which this device may hold a part: those older than the window. */
  chats: {
    /** Whether all messages of a chat can be read here and now. */
    isHere(chat_id: string): Promise<boolean>
    /** Brings the rest; rejects when the server cannot be reached. */
    fetch(chat_id: string): Promise<void>
    /** Chats that this device keeps, however old they are. */
    kept(): Promise<ReadonlySet<string>>
    keep(chat_id: string, keep: boolean): Promise<void>
  }
  /** One answer of the server, about what is not on this device too. */
  readServer<P extends TObject, R>(query: NamedQuery<P, R>, params: QueryParams<NamedQuery<P, R>>): Promise<R[]>
  /** Read-only SQL over the person's own replica; `window.banyan.query`. */
  query(sql: string, params?: unknown[]): Promise<Record<string, unknown>[]>
  /** Rebuilds the replica from the server; the outbox stays. */
  rebuild(): Promise<void>
  /** Stops, and with `wipe` deletes this person's replica, outbox and caches from the device. */
  close(options: { wipe: boolean }): Promise<void>
}

export interface OpenStoreOptions {
  user_id: string
  /** From the session; part of shape addresses. */
  epoch: number
}

/** `sync/client/open-store.ts` exports `openStore: OpenStore`. */
export type OpenStore = (options: OpenStoreOptions) => Promise<LocalStore>
