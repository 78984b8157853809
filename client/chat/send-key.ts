import type { WritableComputedRef } from 'vue'
import { usePreference } from '../app/preferences.ts'
import type { SendKey } from './composer-key.ts'

const isSendKey = (value: unknown): value is SendKey => value === 'enter' || value === 'mod-enter'

/** Which key sends: a preference of the person, on all their devices. */
export function useSendKey(): WritableComputedRef<SendKey> {
  return usePreference<SendKey>('chat.send_key', 'enter', isSendKey)
}
