import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { searchStore, type StoreAgent } from '../../shared/store/api.ts'
import { call } from '../app/call.ts'
import { attempt } from '../app/errors.ts'
import { useOnline } from '../agent/use-online.ts'

export const SORTS = ['popular', 'rating', 'new'] as const
export type Sort = (typeof SORTS)[number]

export interface StoreFilter {
  q: string
  category: string
  sort: Sort
}

/** A page of the store for a filter, and more on demand. Without the server: the front page of last time. */
export function useStoreSearch(filter: Ref<StoreFilter>) {
  const query = computed(() => ({
    q: filter.value.q.trim() || undefined,
    category: filter.value.category || undefined,
    sort: filter.value.sort,
  }))
  const key = computed(() => JSON.stringify(query.value))
  const isFront = computed(() => query.value.q === undefined && query.value.category === undefined)
  const first = useOnline((signal) => call(searchStore, { query: query.value, signal }), {
    key,
    linger: true,
    keep: () => (isFront.value ? 'store.front' : undefined),
  })
  const rest = shallowRef<StoreAgent[]>([])
  const loadingMore = ref(false)
  watch(key, () => (rest.value = []))

  const agents = computed(() => [...(first.data.value?.agents ?? []), ...rest.value])
  const total = computed(() => first.data.value?.total ?? 0)

  async function more(): Promise<void> {
    const asked = key.value
    loadingMore.value = true
    const page = await attempt(() =>
      call(searchStore, { query: { ...query.value, offset: String(agents.value.length) } }),
    )
    loadingMore.value = false
    if (page && key.value === asked) rest.value = [...rest.value, ...page.agents]
  }

  return {
    agents,
    total,
    loading: first.loading,
    error: first.error,
    stale: first.stale,
    reload: first.reload,
    loadingMore,
    hasMore: computed(() => !first.stale.value && agents.value.length < total.value),
    more,
  }
}
