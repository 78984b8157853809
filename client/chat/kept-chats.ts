import { shallowRef, watch } from 'vue'
import { t } from '../app/i18n.ts'
import { store } from '../app/local.ts'
import { toast } from '../ui/toast.ts'

const kept = shallowRef<ReadonlySet<string>>(new Set())

watch(
  store,
  async (local) => {
    kept.value = new Set()
    kept.value = (await local?.chats.kept().catch(() => undefined)) ?? new Set()
  },
  { immediate: true },
)

/** Whether this device keeps a chat, however old it is. */
export function isKept(chat_id: string): boolean {
  return kept.value.has(chat_id)
}

export async function keepOffline(chat_id: string, keep: boolean): Promise<void> {
  const local = store.value
  if (!local) return
  await local.chats.keep(chat_id, keep)
  kept.value = await local.chats.kept()
  toast(t(keep ? 'chat.kept' : 'chat.not-kept'), { ms: 2400 })
}
