import { onScopeDispose, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue'
import { store } from '../app/local.ts'

export interface Online<T> {
  data: Readonly<ShallowRef<T | undefined>>
  /** Why the last try failed; the data of an earlier one may still be there. */
  error: Readonly<ShallowRef<unknown>>
  loading: Readonly<ShallowRef<boolean>>
  /** The data is what this device kept from an earlier visit. */
  stale: Readonly<ShallowRef<boolean>>
  reload: () => Promise<void>
  /** Puts in what an action has answered. */
  put: (value: T) => void
}

interface Options {
  /** Loads again when it changes; undefined: not now. */
  key: MaybeRefOrGetter<string | undefined>
  /** Name under which the answer is kept for times without the server. */
  keep?: MaybeRefOrGetter<string | undefined>
}

/** Something that only the server knows: asked for, and for bad times remembered. */
export function useOnline<T>(load: (signal: AbortSignal) => Promise<T>, { key, keep }: Options): Online<T> {
  const data = shallowRef<T>()
  const error = shallowRef<unknown>()
  const loading = shallowRef(true)
  const stale = shallowRef(false)
  let running: AbortController | undefined

  async function reload(): Promise<void> {
    running?.abort()
    if (toValue(key) === undefined) return
    const own = (running = new AbortController())
    loading.value = true
    try {
      const fresh = await load(own.signal)
      if (own.signal.aborted) return
      data.value = fresh
      stale.value = false
      error.value = undefined
      const name = toValue(keep)
      if (name) void store.value?.boot.write(name, fresh).catch(() => undefined)
    } catch (problem) {
      if (own.signal.aborted) return
      error.value = problem
      await remember(own.signal)
    }
    if (!own.signal.aborted) loading.value = false
  }

  async function remember(signal: AbortSignal): Promise<void> {
    const name = toValue(keep)
    if (!name || data.value !== undefined) return
    const kept = await store.value?.boot.read<T>(name).catch(() => undefined)
    if (signal.aborted || kept === undefined) return
    data.value = kept
    stale.value = true
  }

  function put(value: T): void {
    data.value = value
  }

  watch(
    () => toValue(key),
    () => {
      error.value = undefined
      void reload()
    },
    { immediate: true },
  )
  onScopeDispose(() => running?.abort())
  return { data, error, loading, stale, reload, put }
}
