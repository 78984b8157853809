import { deleteDeviceDb, DeviceDb, deviceDbName } from './device-db.ts'
import { removeReplicas } from './replica-home.ts'

/** How long somebody else's work may hold up one step of a wipe, ms: a frozen tab holds it up for ever. */
const STEP_MS = 2000
/** When a tab that slept through a sign-out looks for what is left, ms: its own worker lets go of its files a little later. */
const LOOKS_MS = [0, 1000, 4000]

/**
 * Takes a person's things from this device. A frozen tab can keep a database from being deleted, but not from being
 * emptied; the rest goes when that tab wakes up or ends.
 */
export async function wipeDevice(user_id: string): Promise<void> {
  await inTime(emptyDeviceDb(user_id))
  await inTime(removeReplicas(user_id))
  await inTime(deleteDeviceDb(user_id))
}

/**
 * Deletes what a sign-out had to leave because this tab was frozen and held it. Nothing is touched when the person has
 * come back meanwhile.
 */
export async function finishWipe(user_id: string): Promise<void> {
  for (const pause of LOOKS_MS) {
    await new Promise((resolve) => setTimeout(resolve, pause))
    if (!(await wasWiped(user_id).catch(() => false))) return
    await wipeDevice(user_id)
  }
}

async function wasWiped(user_id: string): Promise<boolean> {
  const names = (await indexedDB.databases()).map(({ name }) => name)
  if (!names.includes(deviceDbName(user_id))) return true
  const db = new DeviceDb(user_id)
  try {
    return (await db.meta.get('device_id')) === undefined
  } finally {
    db.close()
  }
}

async function emptyDeviceDb(user_id: string): Promise<void> {
  const db = new DeviceDb(user_id)
  try {
    await db.transaction('rw', db.tables, () => Promise.all(db.tables.map((table) => table.clear())))
  } finally {
    db.close()
  }
}

async function inTime(step: Promise<void>): Promise<void> {
  await Promise.race([step.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, STEP_MS))])
}
