import { shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { searchMessages, type MessageHit } from '../../shared/chat/queries.ts'
import { store, syncStatus } from '../app/local.ts'

/** `none`: the server answers anyway, or nothing is sought. */
export type OlderSearch = 'none' | 'asking' | 'asked' | 'away'

const LIMIT = 30

/** Messages that hold `words` and may not be on this device: the server is asked, beside the replica. */
export function useOlderHits(words: Ref<string>): {
  hits: Readonly<ShallowRef<readonly MessageHit[]>>
  state: Readonly<ShallowRef<OlderSearch>>
} {
  const hits = shallowRef<readonly MessageHit[]>([])
  const state = shallowRef<OlderSearch>('none')
  let asked = 0
  watch(
    [words, store, () => syncStatus.value.mode, () => syncStatus.value.state === 'offline'] as const,
    async ([text, local, mode, offline]) => {
      const mine = ++asked
      hits.value = []
      if (!local || text === '' || mode === 'online') return void (state.value = 'none')
      if (offline) return void (state.value = 'away')
      state.value = 'asking'
      const found = await local
        .readServer(searchMessages, { text: text.slice(0, 200), limit: LIMIT })
        .catch(() => undefined)
      if (mine !== asked) return
      hits.value = found ?? []
      state.value = found ? 'asked' : 'away'
    },
  )
  return { hits, state }
}
