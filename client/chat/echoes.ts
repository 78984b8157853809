import { shallowReactive } from 'vue'
import type { ChatListRow } from '../../shared/chat/queries.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'

/**
 * What this tab has just written and no query shows yet: on screen at once, even while the replica is still starting.
 * Each goes when its row arrives, or when the mutation is refused.
 */
const messages = shallowReactive(new Map<string, ChatMessageRow>())
const chats = shallowReactive(new Map<string, ChatListRow>())

export function echo(rows: readonly ChatMessageRow[], chat?: ChatListRow): void {
  for (const row of rows) messages.set(row.id, row)
  if (chat) chats.set(chat.id, chat)
}

export function forgetEchoes(ids: readonly string[]): void {
  for (const id of ids) {
    messages.delete(id)
    chats.delete(id)
  }
}

export function echoedMessages(chat_id: string): ChatMessageRow[] {
  return [...messages.values()].filter((row) => row.chat_id === chat_id)
}

export function echoedChat(chat_id: string): ChatListRow | undefined {
  return chats.get(chat_id)
}
