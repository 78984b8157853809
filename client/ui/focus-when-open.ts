import { nextTick, watch, type Ref } from 'vue'

/** Puts the focus where typing begins, once a dialog is open; by itself it would go to the closing cross. */
export function useFocusWhenOpen(open: Ref<boolean>, target: () => { focus: () => void } | null | undefined): void {
  watch(open, async (now) => {
    if (!now) return
    await nextTick()
    requestAnimationFrame(() => target()?.focus())
  })
}
