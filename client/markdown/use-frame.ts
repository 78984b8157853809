import { onScopeDispose, shallowRef, toValue, watch, type MaybeRefOrGetter, type ShallowRef } from 'vue'

/** How often a hidden tab follows, ms. */
const HIDDEN_MS = 100

/** A value that follows `source` at most once a frame; in a hidden tab ten times a second. */
export function useFrame<T>(source: MaybeRefOrGetter<T>): Readonly<ShallowRef<T>> {
  const shown = shallowRef(toValue(source)) as ShallowRef<T>
  let cancel: (() => void) | undefined

  watch(
    () => toValue(source),
    () => {
      cancel ??= soon(() => {
        cancel = undefined
        shown.value = toValue(source)
      })
    },
  )
  onScopeDispose(() => cancel?.())
  return shown
}

function soon(run: () => void): () => void {
  if (document.visibilityState === 'hidden') {
    const timer = setTimeout(run, HIDDEN_MS)
    return () => clearTimeout(timer)
  }
  const frame = requestAnimationFrame(run)
  return () => cancelAnimationFrame(frame)
}
