import { Dexie, type Table } from 'dexie'
import type { Pending } from '../core/pending.ts'
import type { DeadEntry, DeviceStore, NewPending } from './device-store.ts'

/** The device's store in IndexedDB: one database a person, written by any tab and by the engine. */
export class DeviceDb extends Dexie implements DeviceStore {
  declare readonly outbox: Table<Pending, number, NewPending>
  declare readonly dead: Table<DeadEntry, string>
  declare readonly composer: Table<{ chat_id: string; text: string }, string>
  declare readonly boot: Table<{ key: string; value: unknown }, string>
  declare readonly meta: Table<{ key: string; value: unknown }, string>

  constructor(user_id: string) {
    super(deviceDbName(user_id))
    this.version(1).stores({ outbox: '++seq, &id', dead: '&id', composer: '&chat_id', boot: '&key', meta: '&key' })
  }

  // Inside a transaction this object is the transaction, too: Dexie knows by the call. It keeps one open over native
  // awaits only when the function that it was given is itself an async one.
  atomically<T>(work: (tx: DeviceStore) => Promise<T>): Promise<T> {
    return this.transaction('rw', this.outbox, this.dead, this.composer, this.meta, async () => work(this))
  }
}

export function deviceDbName(user_id: string): string {
  return `banyan-${user_id}`
}

/** Deletes everything of one person from IndexedDB; never another person's. */
export async function deleteDeviceDb(user_id: string): Promise<void> {
  await Dexie.delete(deviceDbName(user_id))
}
