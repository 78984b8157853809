import { onScopeDispose, shallowRef } from 'vue'
import { errorText } from './errors.ts'

/** One answer of the server for a page: loading, the value, or why not. `load` again refreshes it; late answers are dropped. */
export function useLoaded<T>(ask: () => Promise<T>) {
  const value = shallowRef<T>()
  const problem = shallowRef('')
  const loading = shallowRef(false)
  let asked = 0

  async function load(): Promise<void> {
    const mine = ++asked
    loading.value = true
    try {
      const answer = await ask()
      if (mine !== asked) return
      value.value = answer
      problem.value = ''
    } catch (error) {
      if (mine === asked) problem.value = errorText(error)
    } finally {
      if (mine === asked) loading.value = false
    }
  }
  onScopeDispose(() => asked++)
  void load()
  return { value, problem, loading, load }
}
