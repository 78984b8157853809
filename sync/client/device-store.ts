import type { Pending, Refusal } from '../core/pending.ts'

/** A refused mutation, kept until the person decides. */
export interface DeadEntry {
  id: string
  item: Pending
  error: Refusal
  /** The refused one that it rested on; absent: it was refused itself. */
  root?: string | undefined
  at: number
}

/** An outbox row before it has been numbered. */
export type NewPending = Omit<Pending, 'seq'> & { seq?: number | undefined }

/** Rows of one kind; all of them come in the order of their keys. */
export interface Rows<Row, Key> {
  get(key: Key): Promise<Row | undefined>
  put(row: Row): Promise<unknown>
  delete(key: Key): Promise<void>
  bulkDelete(keys: Key[]): Promise<void>
  toArray(): Promise<Row[]>
  count(): Promise<number>
}

/** Rows are numbered as they come, and no number is given twice, whatever has been deleted. No two have one id. */
export interface OutboxRows extends Rows<Pending, number> {
  get(key: number | { id: string }): Promise<Pending | undefined>
  add(row: NewPending): Promise<number>
  /** Does nothing when the row is gone. */
  update(seq: number, changes: Partial<Pending>): Promise<unknown>
}

/**
 * What a device keeps that cannot be rebuilt from the server: IndexedDB in a browser (`device-db.ts`), memory or a file
 * in tests (`testing/memory-store.ts`). One contract holds both: `testing/device-store-contract.ts`.
 */
export interface DeviceStore {
  readonly outbox: OutboxRows
  readonly dead: Rows<DeadEntry, string>
  readonly composer: Rows<{ chat_id: string; text: string }, string>
  readonly meta: Rows<{ key: string; value: unknown }, string>
  /** All of `work` is done and kept, or nothing of it; nobody else sees it half done. It awaits nothing but `tx`. */
  atomically<T>(work: (tx: DeviceStore) => Promise<T>): Promise<T>
  close(): void
}
