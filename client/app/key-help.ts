import { ref, type Ref } from 'vue'

const open = ref(false)

/** Whether the list of keys is on screen. */
export function useKeyHelp(): Ref<boolean> {
  return open
}
