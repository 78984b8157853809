import { DeviceDb } from './device-db.ts'
import { deviceId, leaveFiles, nextGeneration, nextLead, replicaFiles } from './device.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { hostLockName } from './host-protocol.ts'
import { OpenTimeout } from './open-deadline.ts'
import type { ReplicaFiles } from './replica-name.ts'
import type { Replica } from './replica.ts'
import { finishWipe } from './wipe.ts'

export interface Lead {
  /** Take the lead from a worker that shows no life. */
  steal: boolean
  /** Opens the replica; absent outside a worker, where the files cannot be held. */
  open?: ((user_id: string, files: ReplicaFiles, report: (trouble: string) => void) => Promise<Replica>) | undefined
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
    let first = true
    const openReplica =
      open &&
      (async () => {
        // the worker that lost the lead may wake up with its files open: the next one gets files of its own
        const known = await withDb(options.user_id, first && stolen ? nextGeneration : replicaFiles)
        // one that is built anew does not begin with what an earlier engine left
        const files = first ? known : { ...known, oldest: known.generation }
        first = false
        try {
          return await open(options.user_id, files, (trouble) => void noteTrouble(options.user_id, trouble))
        } catch (error) {
          if (error instanceof OpenTimeout) await withDb(options.user_id, leaveFiles)
          throw error
        }
      })
    const db = new DeviceDb(options.user_id)
    // a full device can note nothing; the time is higher than what was noted
    const number = await nextLead(db).catch(() => Date.now())
    engine = new Engine({ ...options, db, device_id: await deviceId(db), lead: number, openReplica })
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
    // a sign-out while it was frozen could not delete the files that it held
    await finishWipe(options.user_id)
  }
}

/** Over a connection of its own: the engine's may be closed by now. */
async function withDb<T>(user_id: string, task: (db: DeviceDb) => Promise<T>): Promise<T> {
  const db = new DeviceDb(user_id)
  try {
    return await task(db)
  } finally {
    db.close()
  }
}

/** Kept for support: why a replica was thrown away. */
async function noteTrouble(user_id: string, trouble: string): Promise<void> {
  const value = { at: new Date().toISOString(), trouble }
  await withDb(user_id, (db) => db.meta.put({ key: 'replica_trouble', value })).catch(() => undefined)
}
