import { useRouter } from 'vue-router'
import { installs } from '../../shared/agent/queries.ts'
import { chatList, searchChats, searchMessages, type ChatListRow } from '../../shared/chat/queries.ts'
import { usePaletteSource, type Command } from '../app/commands.ts'
import { t } from '../app/i18n.ts'
import { store } from '../app/local.ts'
import { snippet } from './snippet.ts'

/** Chats, messages and agents in the command palette. */
export function useChatPalette(): void {
  const router = useRouter()

  const goToChat = (chat: ChatListRow): Command => ({
    id: `chat:${chat.id}`,
    title: chat.title || t('chat.untitled'),
    group: t('chat.search.chats'),
    sign: { name: chat.agent_name ?? chat.title, icon: chat.agent_icon, seed: chat.agent_id },
    run: () => void router.push({ name: 'chat', params: { chat_id: chat.id } }),
  })

  usePaletteSource({
    id: 'chats',
    search: async (text) => {
      const local = store.value
      if (!local) return []
      if (text === '') return (await local.read(chatList, { status: 'active', limit: 5 })).map(goToChat)
      const words = text.slice(0, 200)
      const [chats, messages, agents] = await Promise.all([
        local.read(searchChats, { text: words, limit: 6 }),
        local.read(searchMessages, { text: words, limit: 6 }),
        local.read(installs, {}),
      ])
      return [
        ...chats.map(goToChat),
        ...agents
          .filter((agent) => agent.name.toLowerCase().includes(words.toLowerCase()))
          .slice(0, 5)
          .map((agent) => ({
            id: `agent:${agent.agent_id}`,
            title: t('chat.new.with', { name: agent.name }),
            group: t('chat.new.agents'),
            sign: { name: agent.name, icon: agent.icon, seed: agent.agent_id },
            run: () => void router.push({ name: 'chat-new', query: { agent: agent.agent_id } }),
          })),
        ...messages.map((hit) => {
          const { before, hit: found, after } = snippet(hit.content, words)
          return {
            id: `message:${hit.id}`,
            title: `${before}${found}${after}`,
            detail: hit.chat_title,
            group: t('chat.search.messages'),
            run: () => void router.push({ name: 'chat', params: { chat_id: hit.chat_id }, query: { message: hit.id } }),
          }
        }),
      ]
    },
  })
}
