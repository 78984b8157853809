import { formatHlc, tick, type Hlc } from '../../shared/kernel/hlc.ts'
import { newId } from '../../shared/kernel/id.ts'
import { adoptTime, behindBy, latestQueued } from '../core/clock.ts'
import type { DeviceStore } from './device-store.ts'
import type { ReplicaFiles } from './replica-name.ts'

/** This device's id: made once, kept for the life of the device database. */
export async function deviceId(db: DeviceStore): Promise<string> {
  return db.atomically(async (tx) => {
    const known = (await tx.meta.get('device_id'))?.value
    if (typeof known === 'string') return known
    const made = newId()
    await tx.meta.put({ key: 'device_id', value: made })
    return made
  })
}

/** How far this device's clock is behind the server's, ms, as last heard; small differences count as none. */
export async function clockBehind(db: DeviceStore): Promise<number> {
  const value = (await db.meta.get('behind'))?.value
  return typeof value === 'number' ? value : 0
}

/** Now, by the server's clock as far as this device knows it; epoch ms. */
export async function serverNow(db: DeviceStore): Promise<number> {
  return Date.now() + (await clockBehind(db))
}

/** The next clock value at `now` (ms by the server's clock); call it inside a transaction. */
export async function tickClock(tx: DeviceStore, device_id: string, now: number): Promise<string> {
  const clock = tick(readHlc((await tx.meta.get('clock'))?.value), now)
  await tx.meta.put({ key: 'clock', value: clock })
  return formatHlc(clock, node(device_id))
}

/** Puts this device's clock right by the server's time. */
export async function adoptServerTime(db: DeviceStore, server_now: number): Promise<void> {
  await db.atomically(async (tx) => {
    const device_now = Date.now()
    const queued = latestQueued(await tx.outbox.toArray())
    const clock = adoptTime(readHlc((await tx.meta.get('clock'))?.value), server_now, device_now, queued)
    await tx.meta.put({ key: 'clock', value: clock })
    await tx.meta.put({ key: 'behind', value: behindBy(server_now, device_now) })
  })
}

/** Node part of this device's clock: the random end of its id. */
function node(device_id: string): string {
  return device_id.replaceAll('-', '').slice(-12)
}

function readHlc(value: unknown): Hlc {
  if (typeof value === 'object' && value !== null && 'ms' in value && 'counter' in value) {
    return { ms: Number(value.ms), counter: Number(value.counter) }
  }
  return { ms: 0, counter: 0 }
}

/** Which replica files an engine may use. */
export async function replicaFiles(db: DeviceStore): Promise<ReplicaFiles> {
  const number = async (key: string) => {
    const value = (await db.meta.get(key))?.value
    return typeof value === 'number' ? value : 0
  }
  return { generation: await number('generation'), oldest: await number('oldest_generation') }
}

/** The generation rises whenever leadership is taken from a frozen tab, so that two workers never write the same files. */
export async function nextGeneration(db: DeviceStore): Promise<ReplicaFiles> {
  return db.atomically(async (tx) => {
    const { generation, oldest } = await replicaFiles(tx)
    await tx.meta.put({ key: 'generation', value: generation + 1 })
    return { generation: generation + 1, oldest }
  })
}

/** Nobody opens the files of now again, nor begins with them. */
export async function leaveFiles(db: DeviceStore): Promise<void> {
  const { generation } = await nextGeneration(db)
  await db.meta.put({ key: 'oldest_generation', value: generation })
}

/** Number of the next engine: higher than every one before it, whatever the clock has done. */
export async function nextLead(db: DeviceStore): Promise<number> {
  return db.atomically(async (tx) => {
    const last = (await tx.meta.get('lead'))?.value
    // the time is for a device whose database was taken away under open tabs: they know the old numbers
    const value = Math.max(Date.now(), typeof last === 'number' ? last + 1 : 0)
    await tx.meta.put({ key: 'lead', value })
    return value
  })
}

/** When everything was last known to be in step, epoch ms: survives restarts, for people who start offline. */
export async function lastSync(db: DeviceStore): Promise<number | null> {
  const value = (await db.meta.get('synced_at'))?.value
  return typeof value === 'number' ? value : null
}

export async function noteSync(db: DeviceStore, at: number | null): Promise<void> {
  if (at !== null) await db.meta.put({ key: 'synced_at', value: at })
}

/** When each shape was last known to be up to date, epoch ms. */
export async function readFreshness(db: DeviceStore): Promise<Record<string, number>> {
  const value = (await db.meta.get('fresh_at'))?.value
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

export async function noteFreshness(db: DeviceStore, at: ReadonlyMap<string, number>): Promise<void> {
  if (at.size === 0) return
  await db.atomically(async (tx) => {
    await tx.meta.put({ key: 'fresh_at', value: { ...(await readFreshness(tx)), ...Object.fromEntries(at) } })
  })
}
