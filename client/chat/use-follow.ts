import { onScopeDispose, ref, watch, type Ref } from 'vue'

/** Within this distance of the end, px, the view follows what arrives. */
const NEAR = 80

/**
 * Keeps the end of a growing list in view while the reader is there; lets go at the first scroll upwards; never
 * animates while following. `toEnd` is for the button and for what the person sends.
 */
export function useFollow(scroller: Ref<HTMLElement | null>, content: Ref<HTMLElement | null>) {
  const following = ref(true)
  const away = ref(false)
  let lastTop = 0
  let height = 0

  const gap = (element: HTMLElement) => element.scrollHeight - element.scrollTop - element.clientHeight

  function onScroll() {
    const element = scroller.value
    if (!element) return
    const distance = gap(element)
    const up = element.scrollTop < lastTop - 1
    // Content that shrinks moves the view up by itself: that is not the reader's hand.
    if (up && element.scrollHeight >= height) following.value = false
    if (distance < NEAR && !up) following.value = true
    if (distance < 4) following.value = true
    away.value = distance > NEAR * 2
    lastTop = element.scrollTop
    height = element.scrollHeight
  }

  function toEnd() {
    following.value = true
    away.value = false
    const element = scroller.value
    if (!element) return
    element.scrollTop = element.scrollHeight
    lastTop = element.scrollTop
    height = element.scrollHeight
  }

  const observer = new ResizeObserver(() => {
    if (following.value) toEnd()
    else onScroll()
  })
  watch(
    [scroller, content],
    ([outer, inner], [oldOuter]) => {
      observer.disconnect()
      oldOuter?.removeEventListener('scroll', onScroll)
      if (!outer || !inner) return
      outer.addEventListener('scroll', onScroll, { passive: true })
      observer.observe(inner)
      observer.observe(outer)
    },
    { flush: 'post', immediate: true },
  )
  onScopeDispose(() => {
    observer.disconnect()
    scroller.value?.removeEventListener('scroll', onScroll)
  })
  return { following, away, toEnd }
}
