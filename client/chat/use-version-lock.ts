import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'
import { installs } from '../../shared/agent/queries.ts'
import type { ChatListRow } from '../../shared/chat/queries.ts'
import { useQuery } from '../app/local.ts'

export interface VersionLock {
  /** The chat keeps the version it began with. */
  locked: boolean
  /** Its number, when this device knows it. */
  version: string | undefined
  /** The installed version, when it is another one. */
  newer: string | undefined
}

/** Which version a chat is locked to, and whether the installed one has moved on. */
export function useVersionLock(chat: MaybeRefOrGetter<ChatListRow | undefined>): ComputedRef<VersionLock> {
  const { rows } = useQuery(installs, {}, { boot: 'installs' })
  return computed(() => {
    const row = toValue(chat)
    if (!row?.agent_version_id) return { locked: false, version: undefined, newer: undefined }
    const install = rows.value.find((candidate) => candidate.agent_id === row.agent_id)
    const same = install?.agent_version_id === row.agent_version_id
    return {
      locked: true,
      version: same ? install.version : undefined,
      newer: install && !same ? install.version : undefined,
    }
  })
}
