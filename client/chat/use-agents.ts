import { computed } from 'vue'
import { installs } from '../../shared/agent/queries.ts'
import type { Listing } from '../../shared/agent/rows.ts'
import { locale, t } from '../app/i18n.ts'
import { useQuery } from '../app/local.ts'

/** The words of a listing in the language in use, else in the other. */
export function inLanguage(listing: Listing | undefined) {
  return locale.value === 'en' ? { ...listing?.zh, ...listing?.en } : { ...listing?.en, ...listing?.zh }
}

/** Names of installed agents in the language in use. */
export function useAgentNames() {
  const { rows } = useQuery(installs, {}, { boot: 'installs' })
  const names = computed(
    () => new Map(rows.value.map((row) => [row.agent_id, inLanguage(row.manifest.listing).name ?? row.name])),
  )
  return (chat: { agent_id: string; agent_name: string | null } | undefined): string =>
    (chat && (names.value.get(chat.agent_id) ?? chat.agent_name)) || t('chat.agent-gone')
}
