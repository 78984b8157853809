import { computed, shallowReactive, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import type { RunOverlay } from '../../sync/client/local-store.ts'

/** Running answers by the id of their message; kept until the tab closes, they are small. */
const runs = shallowReactive(new Map<string, RunOverlay>())

export function takeRun(run: RunOverlay): void {
  runs.set(run.message, { ...run })
}

export function forgetRuns(): void {
  runs.clear()
}

/** The overlay of the run that answers a message, live. */
export function useRun(message_id: MaybeRefOrGetter<string | undefined>): ComputedRef<RunOverlay | undefined> {
  return computed(() => runs.get(toValue(message_id) ?? ''))
}

/** The overlay now. */
export function runOf(message_id: string): RunOverlay | undefined {
  return runs.get(message_id)
}
