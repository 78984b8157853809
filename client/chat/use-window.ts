import { computed, nextTick, ref, watch, type Ref } from 'vue'

/** Messages that a chat opens with, and that each step upwards adds. */
const PAGE = 40

/**
 * The end of a long list: the last messages now, earlier ones when the reader comes near the top, without moving what
 * they look at. Off screen the browser skips layout and paint (`content-visibility`).
 */
export function useWindow<T>(all: Ref<readonly T[]>, scroller: Ref<HTMLElement | null>, key: Ref<string>) {
  const size = ref(PAGE)
  watch(key, () => (size.value = PAGE))
  const first = computed(() => Math.max(0, all.value.length - size.value))
  const shown = computed(() => all.value.slice(first.value))

  async function earlier() {
    const element = scroller.value
    if (!element || first.value === 0) return
    const anchor = element.querySelector('[data-message]')
    const before = anchor?.getBoundingClientRect().top ?? 0
    size.value += PAGE
    await nextTick()
    const moved = (anchor?.getBoundingClientRect().top ?? 0) - before
    if (moved !== 0) element.scrollTop += moved
  }

  /** Makes sure that the item at `index` is there. */
  async function include(index: number) {
    if (index < first.value) size.value = all.value.length - index + 5
    await nextTick()
  }
  return { first, shown, earlier, include }
}
