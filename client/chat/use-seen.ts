import { shallowRef, watch } from 'vue'
import type { ChatListRow } from '../../shared/chat/queries.ts'
import { store } from '../app/local.ts'

/** What this device has shown, by chat; chats older than the first visit count as read. */
interface Seen {
  since: string
  chats: Record<string, string>
}

const KEY = 'seen'
const seen = shallowRef<Seen>()
let owner = ''

watch(
  store,
  async (local) => {
    if (!local || local.user_id === owner) return
    owner = local.user_id
    seen.value = undefined
    const kept = await local.boot.read<Seen>(KEY).catch(() => undefined)
    seen.value = kept?.since ? kept : { since: new Date().toISOString(), chats: {} }
    if (!kept) await local.boot.write(KEY, seen.value).catch(() => undefined)
  },
  { immediate: true },
)

type Newest = Pick<ChatListRow, 'id' | 'last_id' | 'last_role' | 'last_status' | 'last_at'>
const mark = (chat: Newest) => `${chat.last_id}:${chat.last_status}`

/** Whether a chat holds a finished answer that nobody has looked at on this device. */
export function isUnread(chat: Newest): boolean {
  const now = seen.value
  if (!now || chat.last_role !== 'assistant' || !chat.last_at) return false
  if (chat.last_status !== 'completed' && chat.last_status !== 'failed' && chat.last_status !== 'paused') return false
  const known = now.chats[chat.id]
  return known === undefined ? chat.last_at > now.since : known !== mark(chat)
}

export function markSeen(chat: Newest): void {
  const now = seen.value
  if (!now || !chat.last_id || now.chats[chat.id] === mark(chat)) return
  seen.value = { ...now, chats: { ...now.chats, [chat.id]: mark(chat) } }
  void store.value?.boot.write(KEY, seen.value).catch(() => undefined)
}
