import { computed, ref, type ComputedRef, type Ref } from 'vue'
import { useRouter } from 'vue-router'
import { installs } from '../../shared/agent/queries.ts'
import type { AgentInstallRow } from '../../shared/agent/rows.ts'
import { installAgent, type StoreAgent } from '../../shared/store/api.ts'
import { call } from '../app/call.ts'
import { attempt } from '../app/errors.ts'
import { useQuery } from '../app/local.ts'

export interface Installing {
  installOf: (agent_id: string) => AgentInstallRow | undefined
  /** An install that is older than what the store has now. */
  isOutdated: (agent: StoreAgent) => boolean
  busy: Ref<string | undefined>
  /** Installs the current version, or moves to it. */
  install: (agent_id: string) => Promise<AgentInstallRow | undefined>
  /** Installs when needed, then opens a new chat. */
  chat: (agent: StoreAgent, text?: string) => Promise<void>
  ready: ComputedRef<boolean>
}

export function useInstall(): Installing {
  const router = useRouter()
  const { rows, ready } = useQuery(installs, {})
  const busy = ref<string>()
  const fresh = ref<Record<string, AgentInstallRow>>({})
  // The row also comes by its shape; until then the answer of the server stands in.
  const installOf = (agent_id: string) => {
    const synced = rows.value.find((row) => row.agent_id === agent_id)
    const answered = fresh.value[agent_id]
    return answered && (!synced || answered.updated_at > synced.updated_at) ? answered : synced
  }

  async function install(agent_id: string): Promise<AgentInstallRow | undefined> {
    busy.value = agent_id
    const answer = await attempt(() => call(installAgent, { params: { agent_id } }))
    busy.value = undefined
    if (answer) fresh.value = { ...fresh.value, [agent_id]: answer.install }
    return answer?.install
  }

  return {
    installOf,
    isOutdated: (agent) => {
      const own = installOf(agent.id)
      return own !== undefined && own.agent_version_id !== agent.version_id
    },
    busy,
    install,
    chat: async (agent, text) => {
      const ready = installOf(agent.id) ?? (await install(agent.id))
      if (ready) await router.push({ name: 'chat-new', query: { agent: agent.id, ...(text ? { text } : {}) } })
    },
    ready: computed(() => ready.value),
  }
}
