import { TextQuote } from 'lucide-vue-next'
import { installs } from '../../shared/agent/queries.ts'
import { chatList, searchChats, searchMessages, type ChatListRow, type MessageHit } from '../../shared/chat/queries.ts'
import type { Command, PaletteSource } from '../app/commands.ts'
import { t } from '../app/i18n.ts'
import { store } from '../app/local.ts'
import { olderHits, withOlder } from './older-hits.ts'
import { snippet } from './snippet.ts'
import { inLanguage } from './use-agents.ts'

const PAUSE_MS = 250

/**
 * Chats, agents and messages in the command palette: the latest chats before anything is typed; then what is on this
 * device, and after a moment what only the server has.
 */
export const chatPalette: PaletteSource = (go) => {
  const toChat = (chat: ChatListRow): Command => ({
    id: `chat:${chat.id}`,
    title: chat.title || t('chat.untitled'),
    group: t('chat.search.chats'),
    sign: { name: chat.agent_name ?? chat.title, icon: chat.agent_icon, seed: chat.agent_id },
    run: () => go({ name: 'chat', params: { chat_id: chat.id } }),
  })

  const toMessage = (hit: MessageHit, words: string): Command => {
    const { before, hit: found, after } = snippet(hit.content, words)
    return {
      id: `message:${hit.id}`,
      title: `${before}${found}${after}`,
      detail: hit.chat_title,
      group: t('chat.search.messages'),
      icon: TextQuote,
      run: () => go({ name: 'chat', params: { chat_id: hit.chat_id }, query: { message: hit.id } }),
    }
  }

  const toAgent = (agent: { agent_id: string; name: string; icon: string | null }): Command => ({
    id: `agent:${agent.agent_id}`,
    title: t('chat.new.with', { name: agent.name }),
    group: t('chat.new.agents'),
    sign: { name: agent.name, icon: agent.icon, seed: agent.agent_id },
    run: () => go({ name: 'chat-new', query: { agent: agent.agent_id } }),
  })

  return async function* (text, late) {
    const local = store.value
    if (!local) return yield { commands: [] }
    if (text === '') return yield { commands: (await local.read(chatList, { status: 'active', limit: 5 })).map(toChat) }
    const words = text.slice(0, 200)
    const [chats, messages, agents] = await Promise.all([
      local.read(searchChats, { text: words, limit: 6 }),
      local.read(searchMessages, { text: words, limit: 6 }),
      local.read(installs, {}),
    ])
    const named = agents.map((row) => ({ ...row, name: inLanguage(row.manifest.listing).name ?? row.name }))
    const things = [
      ...chats.map(toChat),
      ...named
        .filter(({ name }) => name.toLowerCase().includes(words.toLowerCase()))
        .slice(0, 5)
        .map(toAgent),
    ]
    for await (const { state, hits } of olderHits(local, words)) {
      const said = withOlder(messages, hits).map((hit) => toMessage(hit, words))
      yield { commands: [...things, ...said], ...(state === 'none' ? {} : { notice: t(`chat.search.${state}`) }) }
      if (state !== 'asking') return
      // The server is asked once the typing stops.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      if (late()) return
    }
  }
}
