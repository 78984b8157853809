import { Dexie, type Table } from 'dexie'
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

/** An outbox row before Dexie has numbered it. */
export type NewPending = Omit<Pending, 'seq'> & { seq?: number | undefined }

/**
 * What cannot be rebuilt from the server: one IndexedDB a person, written by any tab and by the engine. The replica
 * is elsewhere and disposable.
 */
export class DeviceDb extends Dexie {
  declare readonly outbox: Table<Pending, number, NewPending>
  declare readonly dead: Table<DeadEntry, string>
  declare readonly composer: Table<{ chat_id: string; text: string }, string>
  declare readonly boot: Table<{ key: string; value: unknown }, string>
  declare readonly meta: Table<{ key: string; value: unknown }, string>

  constructor(user_id: string) {
    super(deviceDbName(user_id))
    this.version(1).stores({ outbox: '++seq, &id', dead: '&id', composer: '&chat_id', boot: '&key', meta: '&key' })
  }
}

export function deviceDbName(user_id: string): string {
  return `banyan-${user_id}`
}

/** Deletes everything of one person from IndexedDB; never another person's. */
export async function deleteDeviceDb(user_id: string): Promise<void> {
  await Dexie.delete(deviceDbName(user_id))
}
