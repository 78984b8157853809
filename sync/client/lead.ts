import { DeviceDb } from './device-db.ts'
import { deviceId, generation, nextGeneration, nextLead } from './device.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { hostLockName } from './host-protocol.ts'
import type { Replica } from './replica.ts'

export interface Lead {
  /** Take the lead from a worker that shows no life. */
  steal: boolean
  /** Opens the replica; absent outside a worker, where the files cannot be held. */
  open?: ((user_id: string, generation: number, report: (trouble: string) => void) => Promise<Replica>) | undefined
  /** The lock is ours. */
  onLeading?: (() => void) | undefined
}

/**
 * Waits for the lead of this browser profile and runs the engine while it lasts: one engine a person, whoever's
 * worker holds the lock. Resolves when the lock has been taken away: this worker was frozen and another took over.
 */
export async function lead(
  options: Pick<EngineOptions, 'user_id' | 'epoch' | 'origin'>,
  { steal, open, onLeading }: Lead,
): Promise<void> {
  const lock = hostLockName(options.user_id)
  let engine: Engine | undefined
  const run = async (stolen: boolean) => {
    onLeading?.()
    let taken = stolen
    const openReplica =
      open &&
      (async () => {
        const files = await ownGeneration(options.user_id, taken)
        taken = false
        try {
          return await open(options.user_id, files, (trouble) => void noteTrouble(options.user_id, trouble))
        } catch (error) {
          // what could not be opened now is not tried again: the next start builds a new one
          await ownGeneration(options.user_id, true)
          throw error
        }
      })
    const db = new DeviceDb(options.user_id)
    engine = new Engine({ ...options, db, device_id: await deviceId(db), lead: await nextLead(db), openReplica })
    await engine.start()
    await new Promise(() => undefined)
  }
  try {
    // who left without a word has left the lock, too: then nobody else can hold the files
    if (steal) await navigator.locks.request(lock, { ifAvailable: true }, (free) => free && run(false))
    await navigator.locks.request(lock, steal ? { steal: true } : {}, () => run(steal))
  } catch {
    // the lock was stolen: this worker woke up late
    await engine?.stop().catch(() => undefined)
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
