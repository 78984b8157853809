import { computed, reactive, shallowRef, watch, type Ref } from 'vue'
import { branchChoices, chatById, chatMessages } from '../../shared/chat/queries.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { activePath, buildTree, choicesTo, keepShown, type PathEntry } from '../../shared/chat/tree.ts'
import { useQuery } from '../app/local.ts'
import { useWholeChat } from './use-whole-chat.ts'
import { echoedChat, echoedMessages, forgetEchoes } from './echoes.ts'

export type ChatEntry = PathEntry<ChatMessageRow>

/**
 * One open chat: its row, its messages, and the branch on screen. Stored branch choices count when the chat is
 * opened; from then on only this tab's own hand moves the branch.
 */
export function useChat(chat_id: Ref<string>) {
  const forChat = () => ({ chat_id: chat_id.value })
  const chat = useQuery(chatById, () => ({ id: chat_id.value }), { boot: () => `chat:${chat_id.value}` })
  const stored = useQuery(chatMessages, forChat, { boot: () => `messages:${chat_id.value}`, keep: 80 })
  const choices = useQuery(branchChoices, forChat, { boot: () => `choices:${chat_id.value}` })

  /** Choices of this visit, by fork. */
  const mine = reactive(new Map<string, string>())
  const shown = shallowRef<ReadonlyMap<string, string>>(new Map())
  /** The chosen branches have been read: from now on nothing moves by itself. */
  const settled = shallowRef(false)

  watch(chat_id, () => {
    mine.clear()
    shown.value = new Map()
    settled.value = false
  })

  const { whole, bring } = useWholeChat(chat_id)
  /** While the chat is not here whole, what has been seen of it stays: a replica takes over from the server, or a cache. */
  const seen = shallowRef<readonly ChatMessageRow[]>([])
  watch(
    [stored.rows, whole, chat_id] as const,
    ([rows, state, id]) => {
      const now = rows.filter((row) => row.chat_id === id)
      const known = new Set(now.map((row) => row.id))
      const before = state === 'here' ? [] : seen.value.filter((row) => row.chat_id === id && !known.has(row.id))
      seen.value = [...before, ...now]
    },
    { flush: 'sync', immediate: true },
  )
  const messages = computed<readonly ChatMessageRow[]>(() => {
    const known = new Set(seen.value.map((row) => row.id))
    const extra = echoedMessages(chat_id.value).filter((row) => !known.has(row.id))
    return extra.length === 0 ? seen.value : [...seen.value, ...extra]
  })
  const tree = computed(() => buildTree(chat_id.value, messages.value))
  const path = computed<ChatEntry[]>(() => {
    const wanted = settled.value
      ? new Map([...shown.value, ...mine])
      : new Map([...choices.rows.value.map((row) => [row.fork_id, row.child_id] as const), ...mine])
    return activePath(tree.value, wanted)
  })

  /** Everything is read, and nothing more of this chat is on its way. */
  const calm = computed(
    () =>
      choices.ready.value &&
      !choices.stale.value &&
      stored.ready.value &&
      !stored.stale.value &&
      whole.value === 'here',
  )
  watch(
    [path, () => calm.value] as const,
    ([now, isCalm]) => {
      if (!isCalm) return
      settled.value = true
      const kept = keepShown(now, mine)
      if (kept.size !== shown.value.size || [...kept].some(([fork, child]) => shown.value.get(fork) !== child))
        shown.value = kept
    },
    { flush: 'post' },
  )
  watch([stored.rows, chat.rows], ([rows, chats]) => forgetEchoes([...rows, ...chats].map((row) => row.id)))

  /** What comes next has a place: the end of the chat is on screen as it is now, or the chat is known to be empty. */
  const known = computed(
    () => !stored.stale.value && (messages.value.length > 0 || (stored.ready.value && whole.value === 'here')),
  )
  const leaf = computed(() => path.value.at(-1)?.message)
  const open = computed(() =>
    path.value.map((entry) => entry.message).filter((message) => message.status === 'sending'),
  )

  /** Moves the branch on screen: at one fork, or to wherever a message is. */
  function show(fork_id: string, child_id: string) {
    mine.set(fork_id, child_id)
  }
  function reveal(message_id: string) {
    for (const [fork, child] of choicesTo(tree.value, message_id)) mine.set(fork, child)
  }
  return {
    chat: computed(() => chat.rows.value[0] ?? echoedChat(chat_id.value)),
    chatReady: chat.ready,
    /** Not while all of it is still on its way. */
    ready: computed(() => (stored.ready.value && whole.value !== 'coming') || messages.value.length > 0),
    whole,
    bring,
    stale: stored.stale,
    known,
    error: stored.error,
    messages,
    path,
    leaf,
    open,
    show,
    reveal,
  }
}

export type OpenChat = ReturnType<typeof useChat>
