import { computed, type ComputedRef } from 'vue'
import { useI18n } from './i18n.ts'

/** The few words that components say themselves. */
export function useWords(): ComputedRef<{ close: string; cancel: string; ok: string; back: string }> {
  const { t } = useI18n()
  return computed(() => ({
    close: t('app.ui.close'),
    cancel: t('app.ui.cancel'),
    ok: t('app.ui.ok'),
    back: t('app.ui.back'),
  }))
}
