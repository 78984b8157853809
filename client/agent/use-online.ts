import { useDocumentVisibility } from '@vueuse/core'
import { onScopeDispose, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue'
import type { LocalStore } from '../../sync/client/local-store.ts'
import { store, syncStatus } from '../app/local.ts'

export interface Online<T> {
  data: Readonly<ShallowRef<T | undefined>>
  /** Why the last try failed; the data of an earlier one may still be there. */
  error: Readonly<ShallowRef<unknown>>
  loading: Readonly<ShallowRef<boolean>>
  /** The data is what this device kept from an earlier visit. */
  stale: Readonly<ShallowRef<boolean>>
  reload: () => Promise<void>
}

interface Options {
  /** Loads again when it changes; undefined: not now. */
  key: MaybeRefOrGetter<string | undefined>
  /** Name under which the answer is kept for times without the server. */
  keep?: MaybeRefOrGetter<string | undefined>
  /** Shows the answer to the last key until the new one is there. */
  linger?: boolean
  /** How old an answer may get while somebody looks at it, ms. */
  fresh?: number
}

/** Something that only the server knows: asked for, and for bad times remembered. */
export function useOnline<T>(
  load: (signal: AbortSignal) => Promise<T>,
  { key, keep, linger = false, fresh: lifetime }: Options,
): Online<T> {
  const data = shallowRef<T>()
  const error = shallowRef<unknown>()
  const loading = shallowRef(true)
  const stale = shallowRef(false)
  let running: AbortController | undefined
  let asked_at = 0
  /** The key that `data` answers. */
  let answered: string | undefined

  function show(value: T | undefined, from: string | undefined, old: boolean): void {
    data.value = value
    answered = from
    stale.value = old
  }

  async function reload(quiet = false): Promise<void> {
    running?.abort()
    const asked = toValue(key)
    if (asked === undefined) return
    const own = (running = new AbortController())
    asked_at = Date.now()
    if (!quiet) loading.value = true
    try {
      const fresh = await load(own.signal)
      if (own.signal.aborted) return
      show(fresh, asked, false)
      error.value = undefined
      const name = toValue(keep)
      if (name) void opened(own.signal).then((local) => local?.boot.write(name, fresh).catch(() => undefined))
    } catch (problem) {
      if (own.signal.aborted || (quiet && data.value !== undefined)) return
      error.value = problem
      if (answered !== asked) show(undefined, undefined, false)
      await remember(asked, own.signal)
    }
    if (!own.signal.aborted) loading.value = false
  }

  async function remember(asked: string, signal: AbortSignal): Promise<void> {
    const name = toValue(keep)
    if (!name || data.value !== undefined) return
    const local = await opened(signal)
    const kept = await local?.boot.read<T>(name).catch(() => undefined)
    if (!signal.aborted && kept !== undefined) show(kept, asked, true)
  }

  watch(
    () => toValue(key),
    () => {
      error.value = undefined
      if (!linger) show(undefined, undefined, false)
      void reload()
    },
    { immediate: true },
  )
  // The server is back: ask again what it could not answer.
  watch(
    () => syncStatus.value.state,
    (state, before) => {
      if (before === 'offline' && state !== 'offline' && error.value !== undefined) void reload()
    },
  )
  // Others work on the same things: what is looked at for long is asked for again, quietly.
  if (lifetime !== undefined) {
    const visibility = useDocumentVisibility()
    const renew = () => {
      if (visibility.value === 'visible' && !loading.value && Date.now() - asked_at >= lifetime) void reload(true)
    }
    const timer = setInterval(renew, lifetime)
    watch(visibility, renew)
    onScopeDispose(() => clearInterval(timer))
  }
  onScopeDispose(() => running?.abort())
  return { data, error, loading, stale, reload: () => reload() }
}

/** The person's store; at the start of a visit it opens a moment after the page. */
function opened(signal: AbortSignal): Promise<LocalStore | undefined> {
  if (store.value) return Promise.resolve(store.value)
  return new Promise((resolve) => {
    const end = (local: LocalStore | undefined) => {
      stop()
      clearTimeout(timer)
      resolve(local)
    }
    const stop = watch(store, (local) => local && end(local))
    const timer = setTimeout(() => end(undefined), 5000)
    signal.addEventListener('abort', () => end(undefined), { once: true })
  })
}
