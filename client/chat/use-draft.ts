import { onScopeDispose, ref, watch, type Ref } from 'vue'
import { store } from '../app/local.ts'
import { beforeReload } from '../app/pwa.ts'

/**
 * Text of the composer per chat, kept on this device as it is typed. `read` is called once what was kept is shown;
 * `start` is what stands there when nothing was kept, and needs no keeping.
 */
export function useDraft(chat_id: Ref<string>, read: () => void = () => undefined, start = ''): Ref<string> {
  const text = ref(start)
  let owner = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let dirty = false
  /** Something was typed since this chat came: what was kept comes too late. */
  let typed = false
  let quiet = false

  /** Shows a text that needs no saving. */
  function put(value: string) {
    quiet = true
    text.value = value
    quiet = false
  }

  async function save() {
    clearTimeout(timer)
    if (!dirty || !owner) return
    dirty = false
    await store.value?.composer.write(owner, text.value === start ? '' : text.value).catch(() => undefined)
  }

  watch(
    [chat_id, store] as const,
    async ([id, local]) => {
      if (id === owner || !local) return
      // Typed in the moment before the store was open: that text is the draft.
      const early = owner === '' && dirty
      await save()
      owner = id
      typed = false
      if (early) await save()
      else {
        put(start)
        const kept = await local.composer.read(id).catch(() => '')
        if (owner === id && !typed && kept !== '') put(kept)
      }
      if (owner === id) read()
    },
    { immediate: true },
  )
  watch(
    text,
    () => {
      if (quiet) return
      dirty = true
      typed = true
      clearTimeout(timer)
      timer = setTimeout(() => void save(), 250)
    },
    { flush: 'sync' },
  )

  const withdraw = beforeReload(save)
  const onHide = () => void save()
  window.addEventListener('pagehide', onHide)
  document.addEventListener('visibilitychange', onHide)
  onScopeDispose(() => {
    void save()
    withdraw()
    window.removeEventListener('pagehide', onHide)
    document.removeEventListener('visibilitychange', onHide)
  })
  return text
}
