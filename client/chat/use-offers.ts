import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type { StoreAgent } from '../../shared/store/api.ts'

/** Agents of the store, asked for once when `wanted`: the first chat should not begin with an errand. */
export function useOffers(wanted: Ref<boolean>): {
  listed: Readonly<ShallowRef<readonly StoreAgent[]>>
  asking: Readonly<Ref<boolean>>
} {
  const listed = shallowRef<readonly StoreAgent[]>([])
  const asking = ref(true)
  watch(
    wanted,
    async (is) => {
      if (is && listed.value.length === 0) {
        asking.value = true
        // Without the server there is nothing to offer.
        listed.value = await import('./offers.ts').then(({ fetchOffers }) => fetchOffers()).catch(() => [])
      }
      asking.value = false
    },
    { immediate: true },
  )
  return { listed, asking }
}
