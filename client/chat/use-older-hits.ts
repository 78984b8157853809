import { shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { store, syncStatus } from '../app/local.ts'
import { olderHits, type OlderHits } from './older-hits.ts'

const NOTHING: OlderHits = { state: 'none', hits: [] }

/** What the server finds for `words`, which may not be on this device; asked again when the line comes or goes. */
export function useOlderHits(words: Ref<string>): Readonly<ShallowRef<OlderHits>> {
  const found = shallowRef(NOTHING)
  watch(
    [words, store, () => syncStatus.value.mode, () => syncStatus.value.state === 'offline'] as const,
    async ([text, local], _, onCleanup) => {
      let late = false
      onCleanup(() => (late = true))
      found.value = NOTHING
      if (!local || text === '') return
      for await (const now of olderHits(local, text)) {
        if (late) return
        found.value = now
      }
    },
  )
  return found
}
