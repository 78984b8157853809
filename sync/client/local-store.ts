import type { TObject } from 'typebox'
import type { Mutator, MutatorArgs } from '../../shared/kernel/mutator.ts'
import type { NamedQuery, QueryParams } from '../../shared/kernel/query.ts'

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

export interface SyncStatus {
  state: SyncState
  /** `replica`: reads come from PGlite; `online`: this browser holds no replica, reads go to the server. */
  mode: 'replica' | 'online'
  /** Mutations that have not left this device or are not yet confirmed. */
  pending: number
  /** Refused mutations that the person has not looked at. */
  rejected: number
  /** Epoch ms of the last time everything was known to be in step; null before the first. */
  synced_at: number | null
  /** Why `attention`, as an error code. */
  problem?: string | undefined
  /** Replica bytes on this device, when the browser tells. */
  bytes?: number | undefined
}

/** A mutation that the server refused. Nothing is dropped silently: the arguments stay until the person decides. */
export interface RejectedMutation {
  id: string
  name: string
  args: Record<string, unknown>
  created_at: string
  error: { code: string; params?: Record<string, unknown> | undefined }
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
  rejected(): Promise<RejectedMutation[]>
  /** Puts a refused mutation back into the outbox under a new id, or drops it for good. */
  retryRejected(id: string): Promise<void>
  discardRejected(id: string): Promise<void>
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
