import { shallowRef, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useDraft } from './use-draft.ts'

/** The starter that was offered last: one that is still as it was makes way for the next. */
let offered = ''

/** `text` with a starter in its place, or before what somebody has written. */
export function withStarter(text: string, starter: string, last: string): string {
  const own = text === last || text === starter ? '' : text
  return [starter, own].filter((part) => part.trim() !== '').join('\n\n')
}

/** The composer of a new chat: what was being written, and a starter that came with the address, as from the store. */
export function useStarter(): { text: Ref<string>; offer: (starter: string) => void } {
  const route = useRoute()
  const router = useRouter()
  const drafted = shallowRef(false)
  const text = useDraft(shallowRef('new'), () => {
    drafted.value = true
  })

  function offer(starter: string) {
    text.value = withStarter(text.value, starter, offered)
    offered = starter
  }

  watch(
    [drafted, () => route.query['text']] as const,
    ([ready, starter]) => {
      if (!ready || typeof starter !== 'string') return
      offer(starter)
      // It is in the composer now; loading the page again must not bring it a second time.
      void router.replace({ query: { ...route.query, text: undefined } })
    },
    { immediate: true },
  )
  return { text, offer }
}
