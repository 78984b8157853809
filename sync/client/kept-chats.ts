import type { DeviceStore } from './device-store.ts'

const KEY = 'kept_chats'

/** Chats that the person keeps on this device, however old they are. */
export async function keptChats(db: DeviceStore): Promise<string[]> {
  const value = (await db.meta.get(KEY))?.value
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string') : []
}

export async function keepChat(db: DeviceStore, chat_id: string, keep: boolean): Promise<void> {
  await db.atomically(async (tx) => {
    const others = (await keptChats(tx)).filter((id) => id !== chat_id)
    await tx.meta.put({ key: KEY, value: keep ? [...others, chat_id] : others })
  })
}
