import { dependants } from '../core/effect.ts'
import type { Effect, Pending, Refusal } from '../core/pending.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { DeviceDb } from './device-db.ts'
import { tickClock } from './device.ts'
import type { NewMutation } from './host-protocol.ts'

/**
 * Queues a mutation in one Dexie transaction: clock, check, row. `check` runs the mutator when there is a replica to
 * run it on; when it throws, nothing is queued. Queueing the same id again changes nothing.
 */
export async function enqueue(
  db: DeviceDb,
  device_id: string,
  mutation: NewMutation,
  check: (hlc: string) => Effect | undefined = () => undefined,
): Promise<Pending> {
  return db.transaction('rw', db.outbox, db.dead, db.meta, async () => {
    const known = (await db.outbox.get({ id: mutation.id })) ?? (await db.dead.get(mutation.id))?.item
    if (known) return known
    const hlc = await tickClock(db, device_id, Date.now())
    const effect = check(hlc)
    const entry = { ...mutation, hlc, ...(effect ? { effect } : {}) }
    const seq = await db.outbox.add(entry)
    return { ...entry, seq }
  })
}

/** The whole outbox in order. */
export async function readOutbox(db: DeviceDb): Promise<Pending[]> {
  return db.outbox.orderBy('seq').toArray()
}

/** Moves refused mutations, and queued ones that rest on them, to the dead letters. */
export async function bury(db: DeviceDb, refused: readonly { id: string; error: Refusal }[]): Promise<void> {
  if (refused.length === 0) return
  await db.transaction('rw', db.outbox, db.dead, async () => {
    for (const { id, error } of refused) {
      const item = await db.outbox.get({ id })
      if (!item) continue
      const others = dependants(item, await readOutbox(db))
      for (const lost of [item, ...others]) {
        await db.dead.put({ id: lost.id, item: lost, error, at: Date.now() })
        await db.outbox.delete(lost.seq)
      }
    }
  })
}

/** Puts a dead letter back under a new id: the old one is spent, the server remembers its refusal. */
export async function revive(db: DeviceDb, device_id: string, id: string): Promise<void> {
  await db.transaction('rw', db.outbox, db.dead, db.meta, async () => {
    const dead = await db.dead.get(id)
    if (!dead) return
    const { name, version, args } = dead.item
    await enqueue(db, device_id, { id: newId(), name, version, args, created_at: new Date().toISOString() })
    await db.dead.delete(id)
  })
}
