import { ref, watch, type Ref } from 'vue'
import { errorText } from './errors.ts'

export interface Submit {
  busy: Ref<boolean>
  /** Why the last attempt failed, in words; empty when it did not. */
  problem: Ref<string>
  submit: () => Promise<void>
}

/** What every form shares: one attempt at a time, and what it throws in words, until the dialog `open` closes. */
export function useSubmit(action: () => Promise<unknown>, open?: Ref<boolean>): Submit {
  const busy = ref(false)
  const problem = ref('')
  if (open) watch(open, () => (problem.value = ''))

  async function submit(): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = ''
    try {
      await action()
    } catch (error) {
      problem.value = errorText(error)
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, submit }
}
