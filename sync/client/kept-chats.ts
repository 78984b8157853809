import type { DeviceDb } from './device-db.ts'

const KEY = 'kept_chats'

/** Chats that the person keeps on this device, however old they are. */
export async function keptChats(db: DeviceDb): Promise<string[]> {
  const value = (await db.meta.get(KEY))?.value
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : []
}

export async function keepChat(db: DeviceDb, chat_id: string, keep: boolean): Promise<void> {
  await db.transaction('rw', db.meta, async () => {
    const others = (await keptChats(db)).filter((id) => id !== chat_id)
    await db.meta.put({ key: KEY, value: keep ? [...others, chat_id] : others })
  })
}
