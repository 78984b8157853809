import { DeviceDb } from './device-db.ts'
import { deviceId, generation, nextGeneration } from './device.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { hostLockName } from './host-protocol.ts'
import type { Replica } from './replica.ts'

export interface Lead {
  /** Take the lead from a worker that shows no life. */
  steal: boolean
  /** Opens the replica; absent outside a worker, where the files cannot be held. */
  open?: ((user_id: string, generation: number, report: (trouble: string) => void) => Promise<Replica>) | undefined
}

/**
 * Waits for the lead of this browser profile and runs the engine while it lasts: one engine a person, whoever's
 * worker holds the lock. When the lock is taken away (this worker was frozen and another took over), it ends.
 */
export async function lead(
  options: Omit<EngineOptions, 'openReplica' | 'db' | 'device_id'>,
  { steal, open }: Lead,
): Promise<void> {
  let engine: Engine | undefined
  let taken = steal
  const openReplica =
    open &&
    (async () => {
      const files = await ownGeneration(options.user_id, taken)
      taken = false
      return open(options.user_id, files, (trouble) => void noteTrouble(options.user_id, trouble))
    })
  try {
    await navigator.locks.request(hostLockName(options.user_id), steal ? { steal: true } : {}, async () => {
      const db = new DeviceDb(options.user_id)
      engine = new Engine({ ...options, db, device_id: await deviceId(db), openReplica })
      await engine.start()
      await new Promise(() => undefined)
    })
  } catch {
    // the lock was stolen: this worker woke up late
    await engine?.stop().catch(() => undefined)
    globalThis.close?.()
  }
}

/** The worker that lost the lead may wake up with its files open: the next one gets files of its own. */
async function ownGeneration(user_id: string, taken: boolean): Promise<number> {
  const db = new DeviceDb(user_id)
  try {
    return taken ? await nextGeneration(db) : await generation(db)
  } finally {
    db.close()
  }
}

/** Kept for support: why a replica was thrown away. */
async function noteTrouble(user_id: string, trouble: string): Promise<void> {
  const db = new DeviceDb(user_id)
  await db.meta.put({ key: 'replica_trouble', value: { at: new Date().toISOString(), trouble } }).catch(() => undefined)
  db.close()
}
