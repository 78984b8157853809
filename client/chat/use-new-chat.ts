import { computed, ref, watch, type Ref } from 'vue'
import { installs, myAgents } from '../../shared/agent/queries.ts'
import type { NewChat } from '../../shared/chat/mutators.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { StoreAgent } from '../../shared/store/api.ts'
import { useQuery } from '../app/local.ts'
import { may } from '../app/session.ts'
import { postMessage } from './chat-actions.ts'
import { chatRow } from './new-rows.ts'
import { titleOf } from './title.ts'
import { inLanguage } from './use-agents.ts'
import { useOffers } from './use-offers.ts'

/** An agent to talk to: an installed one, one that the store offers, or a draft of one's own. */
export interface Candidate {
  key: string
  agent_id: string
  agent_version_id: string | null
  source: NewChat['source']
  name: string
  icon: string | null
  text: string
  starters: readonly string[]
}

/** Choosing an agent and sending the first message, which makes the chat. `wanted` and `draft` come from the address. */
export function useNewChat(wanted: Ref<string | undefined>, draft: Ref<boolean>) {
  const installed = useQuery(installs, {}, { boot: 'installs' })
  const own = useQuery(myAgents, () => (may('agent:write') ? {} : undefined))
  const chosen = ref('')
  let touched = false

  const agents = computed<Candidate[]>(() =>
    installed.rows.value.map(({ agent_id, agent_version_id, name, icon, manifest }) => {
      const words = inLanguage(manifest.listing)
      return {
        key: `app:${agent_id}`,
        agent_id,
        agent_version_id,
        source: 'app',
        name: words.name ?? name,
        icon,
        text: words.tagline ?? manifest.description ?? '',
        starters: words.starters ?? [],
      }
    }),
  )
  const drafts = computed<Candidate[]>(() =>
    own.rows.value.map(({ agent_id, name, icon, description }) => ({
      key: `draft:${agent_id}`,
      agent_id,
      agent_version_id: null,
      source: 'draft',
      name,
      icon,
      text: description,
      starters: [],
    })),
  )
  const bare = computed(() => installed.ready.value && agents.value.length + drafts.value.length === 0)
  const { listed, asking } = useOffers(bare)
  const offers = computed<Candidate[]>(() => (bare.value ? listed.value : []).map(candidateOf))
  const all = computed(() => [...agents.value, ...offers.value, ...drafts.value])
  const current = computed(() => all.value.find((candidate) => candidate.key === chosen.value))

  watch(
    [all, wanted, draft] as const,
    ([list, id, isDraft]) => {
      const source = isDraft ? 'draft' : 'app'
      const asked =
        id &&
        (list.find((one) => one.agent_id === id && one.source === source) ?? list.find((one) => one.agent_id === id))
      if (asked && chosen.value !== asked.key && !touched) chosen.value = asked.key
      else if (!current.value) chosen.value = list[0]?.key ?? ''
    },
    { immediate: true },
  )
  function choose(key: string) {
    touched = true
    chosen.value = key
  }

  /** Makes the chat with its first message. Both can be seen at once under the new id; `done` says whether it was queued. */
  function start(content: string): { chat_id: string; done: Promise<boolean> } | undefined {
    const agent = current.value
    if (!agent) return undefined
    const chat_id = newId()
    const { agent_id, agent_version_id, source } = agent
    // It stays at hand for later chats; this one begins without waiting for that.
    if (offers.value.includes(agent))
      void import('./offers.ts').then(({ acceptOffer }) => acceptOffer(agent_id)).catch(() => undefined)
    const chat: NewChat = { agent_id, agent_version_id, source, title: titleOf(content) }
    return { chat_id, done: postMessage(chat_id, null, content, { chat, row: chatRow(chat_id, chat, agent) }).done }
  }

  const ready = computed(() => installed.ready.value && !asking.value)
  return { agents, offers, drafts, current, chosen, choose, start, ready }
}

function candidateOf({ id, version_id, name, icon, listing }: StoreAgent): Candidate {
  const words = inLanguage(listing)
  return {
    key: `app:${id}`,
    agent_id: id,
    agent_version_id: version_id,
    source: 'app',
    name: words.name ?? name,
    icon,
    text: words.tagline ?? '',
    starters: words.starters ?? [],
  }
}
