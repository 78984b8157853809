import { dependants } from '../core/effect.ts'
import { withFollowers } from '../core/hold.ts'
import type { Effect, Pending, Refusal } from '../core/pending.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { DeviceDb } from './device-db.ts'
import { clockBehind, serverNow, tickClock } from './device.ts'
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
    const behind_ms = await clockBehind(db)
    const hlc = await tickClock(db, device_id, Date.now() + behind_ms)
    const effect = check(hlc)
    const entry = { ...mutation, ...corrected(mutation, behind_ms), hlc, ...(effect ? { effect } : {}) }
    const seq = await db.outbox.add(entry)
    return { ...entry, seq }
  })
}

/** When the person acted, by the server's clock. */
function corrected({ created_at }: NewMutation, behind_ms: number): Partial<Pending> {
  if (behind_ms === 0) return {}
  return { created_at: new Date(Date.parse(created_at) + behind_ms).toISOString(), behind_ms }
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
      await buryOne(db, item, error)
      for (const lost of dependants(item, await readOutbox(db))) await buryOne(db, lost, error, id)
    }
  })
}

async function buryOne(db: DeviceDb, item: Pending, error: Refusal, root?: string): Promise<void> {
  await db.dead.put({ id: item.id, item, error, at: Date.now(), ...(root === undefined ? {} : { root }) })
  await db.outbox.delete(item.seq)
}

/**
 * Sends what had grown old after all: to the end of the outbox, with what follows it, because the server has seen later
 * places by now and takes earlier ones for duplicates. The ids stay: should one have arrived long ago, it counts once.
 */
export async function release(db: DeviceDb, id: string): Promise<void> {
  await db.transaction('rw', db.outbox, db.meta, async () => {
    const item = await db.outbox.get({ id })
    if (!item || item.outcome) return
    const agreed_at = await serverNow(db)
    for (const { seq, lsn: _, ...moved } of withFollowers(item, await readOutbox(db))) {
      await db.outbox.delete(seq)
      await db.outbox.add(moved.id === id ? { ...moved, agreed_at } : moved)
    }
  })
}

const RESTED: Refusal = { code: 'sync/rested-on-discarded' }

/**
 * Drops what has not been sent; `text` goes back to the composer of `chat_id`. What rests on it cannot go on alone and
 * becomes dead letters: nobody has said that it may go.
 */
export async function discard(
  db: DeviceDb,
  id: string,
  back?: { chat_id: string; text: string } | undefined,
): Promise<void> {
  await db.transaction('rw', db.outbox, db.dead, db.composer, async () => {
    const item = await db.outbox.get({ id })
    if (!item || item.outcome) return
    const outbox = await readOutbox(db)
    await db.outbox.delete(item.seq)
    for (const other of dependants(item, outbox)) await buryOne(db, other, RESTED)
    if (back) await writeAgain(db, back)
  })
}

/** Puts a dead letter and those that rested on it back, in order, under new ids: the server remembers the old ones. */
export async function revive(db: DeviceDb, device_id: string, id: string): Promise<void> {
  await db.transaction('rw', db.outbox, db.dead, db.meta, async () => {
    const group = await deadGroup(db, id)
    for (const { item } of group) {
      const { name, version, args } = item
      await enqueue(db, device_id, { id: newId(), name, version, args, created_at: new Date().toISOString() })
    }
    await db.dead.bulkDelete(group.map((entry) => entry.id))
  })
}

/** Drops a dead letter for good, with those that rested on it; or takes its text back to the composer, and only it. */
export async function forget(
  db: DeviceDb,
  id: string,
  back?: { chat_id: string; text: string } | undefined,
): Promise<void> {
  await db.transaction('rw', db.dead, db.composer, async () => {
    const group = await deadGroup(db, id)
    if (!back) return db.dead.bulkDelete(group.map((entry) => entry.id))
    if (group.length === 0) return
    await writeAgain(db, back)
    await db.dead.delete(id)
    for (const { root: _, ...entry } of group) if (entry.id !== id) await db.dead.put(entry)
  })
}

/** A dead letter with those that rested on it, in the order of the outbox. */
async function deadGroup(db: DeviceDb, id: string) {
  const all = await db.dead.toArray()
  return all.filter((entry) => entry.id === id || entry.root === id).sort((a, b) => a.item.seq - b.item.seq)
}

/** Before what is being written there. */
async function writeAgain(db: DeviceDb, { chat_id, text }: { chat_id: string; text: string }): Promise<void> {
  const now = (await db.composer.get(chat_id))?.text ?? ''
  await db.composer.put({ chat_id, text: [text, now].filter((part) => part.trim() !== '').join('\n\n') })
}
