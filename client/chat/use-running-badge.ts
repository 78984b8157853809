import { computed, type ComputedRef } from 'vue'
import { runningAnswers } from '../../shared/chat/queries.ts'
import { useQuery, useWaiting } from '../app/local.ts'

/** How many answers are being written, over all chats. */
export function useRunningBadge(): ComputedRef<number> {
  const waiting = useWaiting()
  const { rows } = useQuery(runningAnswers, {})
  return computed(
    () => rows.value.filter((row) => row.workflow_status !== 'paused' && !waiting.value.has(row.id)).length,
  )
}
