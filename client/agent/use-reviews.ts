import { computed, ref } from 'vue'
import { listReviews, type ReviewEntry } from '../../shared/agent/api.ts'
import { call } from '../app/call.ts'
import { useOnline } from './use-online.ts'

export type Queue = 'open' | 'decided'

/** The queue of reviews: the one that waits longest first, of decided ones the newest. */
export function useReviews() {
  const queue = ref<Queue>('open')
  const { data, error, loading, stale, reload } = useOnline(
    (signal) => call(listReviews, { query: { state: queue.value }, signal }),
    { key: queue, fresh: 15_000 },
  )
  const entries = computed(() => {
    const open = queue.value === 'open'
    return [...(data.value?.reviews ?? [])]
      .filter((entry) => (entry.state === 'submitted') === open)
      .sort((a, b) => timeOf(a, open).localeCompare(timeOf(b, open)) * (open ? 1 : -1))
  })
  return { queue, entries, error, loading, stale, reload }
}

function timeOf(entry: ReviewEntry, open: boolean): string {
  return open ? entry.submitted_at : (entry.decided_at ?? entry.submitted_at)
}
