import { computed, type ComputedRef } from 'vue'
import type { SyncStatus } from '../../sync/client/local-store.ts'
import { shortTime, useNow } from './format.ts'
import { t } from './i18n.ts'
import { syncStatus } from './local.ts'

export interface SyncWords {
  /** What is so. */
  head: string
  /** Since when, or how much; may be empty. */
  detail: string
  tone: 'leaf' | 'amber' | 'red' | 'quiet'
}

/** The state of synchronisation in words about the person's things. */
export function syncWords(status: SyncStatus, now: number): SyncWords {
  const waiting = status.pending > 0 ? t('app.sync.waiting', { n: status.pending }) : ''
  switch (status.state) {
    case 'attention':
      return {
        head: t('app.sync.attention'),
        detail: needsWords(status),
        tone: 'red',
      }
    case 'signed-out':
      return { head: t('app.sync.signed-out'), detail: waiting, tone: 'amber' }
    case 'offline':
      return { head: t('app.sync.offline'), detail: waiting, tone: 'amber' }
    case 'starting':
      return { head: t('app.sync.starting'), detail: '', tone: 'quiet' }
    case 'syncing':
      return { head: t('app.sync.syncing'), detail: waiting, tone: 'quiet' }
    case 'synced':
      return {
        head: t('app.sync.synced'),
        detail: status.synced_at ? shortTime(status.synced_at, now) : '',
        tone: 'leaf',
      }
  }
}

function needsWords({ rejected, asking }: SyncStatus): string {
  if (rejected > 0) return t('app.sync.rejected', { n: rejected })
  return asking > 0 ? t('app.sync.asking', { n: asking }) : ''
}

export function useSyncWords(): ComputedRef<SyncWords> {
  const now = useNow()
  return computed(() => syncWords(syncStatus.value, now.value))
}
