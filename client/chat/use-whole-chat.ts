import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type { LocalStore } from '../../sync/client/local-store.ts'
import { store, syncStatus } from '../app/local.ts'

/** `asking`: not known yet; `coming`: older messages are on their way; `away`: they cannot be fetched now. */
export type Wholeness = 'asking' | 'here' | 'coming' | 'away'

/**
 * Whether the open chat is on this device whole. A device holds the messages of the last weeks; the rest of a chat comes
 * when it is opened, and again when the server can be reached.
 */
export function useWholeChat(chat_id: Ref<string>): { whole: Readonly<ShallowRef<Wholeness>>; bring: () => void } {
  const whole = shallowRef<Wholeness>('asking')
  let current = 0
  onScopeDispose(() => (current = -1))

  async function look(local: LocalStore, id: string) {
    const mine = ++current
    const say = (state: Wholeness) => {
      if (mine === current) whole.value = state
    }
    try {
      if (await local.chats.isHere(id)) return say('here')
      say('coming')
      await local.chats.fetch(id)
      say('here')
    } catch {
      say('away')
    }
  }
  const bring = () => {
    if (store.value && chat_id.value) void look(store.value, chat_id.value)
  }

  watch(chat_id, () => (whole.value = 'asking'))
  watch(
    [chat_id, store, () => syncStatus.value.mode, () => syncStatus.value.state] as const,
    ([id], [before]) => {
      if (id !== before || whole.value !== 'coming') bring()
    },
    { immediate: true },
  )
  return { whole, bring }
}
