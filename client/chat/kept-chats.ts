import { shallowRef, watch } from 'vue'
import { attempt } from '../app/errors.ts'
import { t } from '../app/i18n.ts'
import { store, syncStatus } from '../app/local.ts'
import { toast } from '../ui/toast.ts'

const kept = shallowRef<ReadonlySet<string>>(new Set())

watch(
  store,
  async (local) => {
    kept.value = new Set()
    const known = await local?.chats.kept().catch(() => undefined)
    if (known && local === store.value) kept.value = known
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
  await attempt(async () => {
    await local.chats.keep(chat_id, keep)
    kept.value = await local.chats.kept()
    if (!keep) return toast(t('chat.not-kept'), { ms: 2400 })
    const here = syncStatus.value.keeps === 'all' && (await local.chats.isHere(chat_id))
    toast(t(here ? 'chat.kept' : 'chat.kept-later'), { ms: 2400 })
  })
}
