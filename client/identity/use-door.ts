import { ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { errorText } from '../app/errors.ts'
import { refreshSession } from '../app/session.ts'
import type { AuthResult } from './auth.ts'
import { failureWords } from './failure-words.ts'

/** What sign-in, sign-up and set-up share: one attempt at a time, an error in words, and the way in. */
export function useDoor() {
  const route = useRoute()
  const router = useRouter()
  const busy = ref(false)
  const problem = ref('')

  async function enter(attempt: () => Promise<AuthResult>): Promise<void> {
    if (busy.value) return
    busy.value = true
    problem.value = ''
    try {
      const result = await attempt()
      if (!result.ok) {
        problem.value = failureWords(result)
        return
      }
      await refreshSession()
      await router.replace(inside(route.query['next']))
    } catch (error) {
      problem.value = errorText(error)
    } finally {
      busy.value = false
    }
  }
  return { busy, problem, enter }
}

/** Where to go after the door: a path of ours, never an address of somebody else's. */
export function inside(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/chat'
}
