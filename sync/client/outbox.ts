import { dependants } from '../core/effect.ts'
import { withFollowers } from '../core/hold.ts'
import { joined, type Joined } from '../core/joining.ts'
import type { Effect, Pending, Refusal } from '../core/pending.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { DeviceStore } from './device-store.ts'
import { clockBehind, serverNow, tickClock } from './device.ts'
import type { NewMutation } from './host-protocol.ts'

/** Runs a mutation's mutator at a clock value; throws when it is refused. */
export type Check = (hlc: string) => Effect

/** Finds out how to check a mutation that would come after `outbox`; undefined where there is no replica to run it on. */
export type Prepare = (mutation: NewMutation, outbox: readonly Pending[]) => Promise<Check | undefined>

/**
 * Queues a mutation in one transaction: clock, check, row. When the check throws, nothing is queued. Queueing the same
 * id again changes nothing. A save that goes on from one that waits takes its place.
 */
export async function enqueue(
  db: DeviceStore,
  device_id: string,
  mutation: NewMutation,
  prepare: Prepare = async () => undefined,
): Promise<Pending> {
  for (;;) {
    const outbox = await readOutbox(db)
    const plan = joined(mutation, outbox)
    const check = await prepare(
      plan.mutation,
      outbox.filter(({ id }) => id !== plan.replaces?.id),
    )
    const queued = await db.atomically(async (tx) => {
      const now = await readOutbox(tx)
      // somebody has been faster: a push has begun, or another tab has queued something
      if (joined(mutation, now).replaces?.id !== plan.replaces?.id) return undefined
      return queue(tx, device_id, plan, check, now)
    })
    if (queued) return queued
  }
}

async function queue(
  tx: DeviceStore,
  device_id: string,
  { mutation, replaces }: Joined<NewMutation>,
  check: Check | undefined,
  outbox: readonly Pending[],
): Promise<Pending> {
  const known =
    outbox.find(({ id, absorbs }) => id === mutation.id || absorbs?.includes(mutation.id)) ??
    (await tx.dead.get(mutation.id))?.item
  if (known) return known
  const behind_ms = await clockBehind(tx)
  const hlc = await tickClock(tx, device_id, Date.now() + behind_ms)
  const effect = check?.(hlc)
  const entry = {
    ...mutation,
    ...corrected(mutation, behind_ms),
    hlc,
    ...(effect ? { effect } : {}),
    ...(await place(tx, device_id)),
  }
  if (replaces) await tx.outbox.delete(replaces.seq)
  const seq = await tx.outbox.add(entry)
  return { ...entry, seq }
}

/**
 * Where this device's database was taken away under an open tab, places are counted anew, while the server knows those
 * of before and would take these for duplicates: then they go on from the time, which no count has reached.
 */
async function place(db: DeviceStore, device_id: string): Promise<{ seq?: number }> {
  if (await db.meta.get('device_id')) return {}
  await db.meta.put({ key: 'device_id', value: device_id })
  return { seq: Date.now() }
}

/** When the person acted, by the server's clock. */
function corrected({ created_at }: NewMutation, behind_ms: number): Partial<Pending> {
  if (behind_ms === 0) return {}
  return { created_at: new Date(Date.parse(created_at) + behind_ms).toISOString(), behind_ms }
}

/** The whole outbox in order. */
export async function readOutbox(db: DeviceStore): Promise<Pending[]> {
  return db.outbox.toArray()
}

/** Moves refused mutations, and queued ones that rest on them, to the dead letters. */
export async function bury(db: DeviceStore, refused: readonly { id: string; error: Refusal }[]): Promise<void> {
  if (refused.length === 0) return
  await db.atomically(async (tx) => {
    for (const { id, error } of refused) {
      const item = await tx.outbox.get({ id })
      if (!item) continue
      await buryOne(tx, item, error)
      for (const lost of dependants(item, await readOutbox(tx))) await buryOne(tx, lost, error, id)
    }
  })
}

async function buryOne(db: DeviceStore, item: Pending, error: Refusal, root?: string): Promise<void> {
  await db.dead.put({ id: item.id, item, error, at: Date.now(), ...(root === undefined ? {} : { root }) })
  await db.outbox.delete(item.seq)
}

/**
 * Sends what had grown old after all: to the end of the outbox, with what follows it, because the server has seen later
 * places by now and takes earlier ones for duplicates. The ids stay: should one have arrived long ago, it counts once.
 */
export async function release(db: DeviceStore, id: string): Promise<void> {
  await db.atomically(async (tx) => {
    const item = await tx.outbox.get({ id })
    if (!item || item.outcome) return
    const agreed_at = await serverNow(tx)
    for (const { seq, lsn: _, ...moved } of withFollowers(item, await readOutbox(tx))) {
      await tx.outbox.delete(seq)
      await tx.outbox.add(moved.id === id ? { ...moved, agreed_at } : moved)
    }
  })
}

const RESTED: Refusal = { code: 'sync/rested-on-discarded' }

/**
 * Drops what has not been sent; `text` goes back to the composer of `chat_id`. What rests on it cannot go on alone and
 * becomes dead letters: nobody has said that it may go.
 */
export async function discard(
  db: DeviceStore,
  id: string,
  back?: { chat_id: string; text: string } | undefined,
): Promise<void> {
  await db.atomically(async (tx) => {
    const item = await tx.outbox.get({ id })
    if (!item || item.outcome) return
    const outbox = await readOutbox(tx)
    await tx.outbox.delete(item.seq)
    for (const other of dependants(item, outbox)) await buryOne(tx, other, RESTED)
    if (back) await writeAgain(tx, back)
  })
}

/** Puts a dead letter and those that rested on it back, in order, under new ids: the server remembers the old ones. */
export async function revive(db: DeviceStore, device_id: string, id: string): Promise<void> {
  await db.atomically(async (tx) => {
    const group = await deadGroup(tx, id)
    for (const { item } of group) {
      const { name, version, args } = item
      await enqueue(tx, device_id, { id: newId(), name, version, args, created_at: new Date().toISOString() })
    }
    await tx.dead.bulkDelete(group.map((entry) => entry.id))
  })
}

/** Drops a dead letter for good, with those that rested on it; or takes its text back to the composer, and only it. */
export async function forget(
  db: DeviceStore,
  id: string,
  back?: { chat_id: string; text: string } | undefined,
): Promise<void> {
  await db.atomically(async (tx) => {
    const group = await deadGroup(tx, id)
    if (!back) return tx.dead.bulkDelete(group.map((entry) => entry.id))
    if (group.length === 0) return
    await writeAgain(tx, back)
    await tx.dead.delete(id)
    for (const { root: _, ...entry } of group) if (entry.id !== id) await tx.dead.put(entry)
  })
}

/** A dead letter with those that rested on it, in the order of the outbox. */
async function deadGroup(db: DeviceStore, id: string) {
  const all = await db.dead.toArray()
  return all.filter((entry) => entry.id === id || entry.root === id).sort((a, b) => a.item.seq - b.item.seq)
}

/** Before what is being written there. */
async function writeAgain(db: DeviceStore, { chat_id, text }: { chat_id: string; text: string }): Promise<void> {
  const now = (await db.composer.get(chat_id))?.text ?? ''
  await db.composer.put({ chat_id, text: [text, now].filter((part) => part.trim() !== '').join('\n\n') })
}
