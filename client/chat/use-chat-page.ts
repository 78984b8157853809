import { useDocumentVisibility } from '@vueuse/core'
import { computed, ref, toRef, watch, type Ref } from 'vue'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { t } from '../app/i18n.ts'
import { store, useWaiting } from '../app/local.ts'
import { useShortcut } from '../app/shortcuts.ts'
import { toast } from '../ui/toast.ts'
import { useChatActions } from './chat-actions.ts'
import { saveFile } from '../app/save-file.ts'
import { chatToJson, chatToMarkdown, fileName } from './export-chat.ts'
import { answerText } from './message-state.ts'
import { runOf } from '../app/runs.ts'
import { useAgentNames } from './use-agents.ts'
import { useChat } from './use-chat.ts'
import { useDraft } from './use-draft.ts'
import { markSeen } from './use-seen.ts'
import { useVersionLock } from './use-version-lock.ts'

export async function copyText(text: string): Promise<void> {
  await navigator.clipboard.writeText(text).then(
    () => toast(t('chat.copied'), { ms: 1800 }),
    () => toast(t('chat.not-copied'), { tone: 'red' }),
  )
}

/** A message with what has been streamed of it so far. */
const withText = (row: ChatMessageRow): ChatMessageRow => ({ ...row, content: answerText(row, runOf(row.id)) })

/** Everything a chat's page knows and does; the page itself only draws. */
export function useChatPage(chat_id: Ref<string>) {
  const open = useChat(chat_id)
  const actions = useChatActions(open, () => chat_id.value)
  const text = useDraft(chat_id)
  const lock = useVersionLock(open.chat)
  const nameOf = useAgentNames()
  const editing = ref('')
  const detailsOf = ref<ChatMessageRow>()
  const waiting = useWaiting()
  /** Something is being answered; what has not left this device is not. */
  const running = computed(() => open.open.value.some((message) => !waiting.value.has(message.id)))
  const closed = computed(() => open.chat.value?.status === 'deleted')
  const agent = computed(() => {
    const chat = open.chat.value
    return { name: nameOf(chat), icon: chat?.agent_icon ?? null, id: chat?.agent_id ?? '' }
  })

  watch(chat_id, () => {
    editing.value = ''
    detailsOf.value = undefined
  })
  const visibility = useDocumentVisibility()
  watch([open.chat, visibility] as const, ([chat, seen], [before]) => {
    if (!chat) return
    if (seen === 'visible') markSeen(chat)
    if (chat.id !== before?.id) void store.value?.boot.write('last-chat', chat.id).catch(() => undefined)
  })

  const answers = () => open.path.value.map((entry) => entry.message).filter((message) => message.role === 'assistant')
  const lastAnswer = () => answers().at(-1)
  const lastRun = () => answers().findLast((message) => message.workflow_execution_id !== null)

  function editLast() {
    const last = open.path.value.findLast(
      (entry) => entry.message.role === 'user' && entry.message.status !== 'deleted',
    )
    if (last) editing.value = last.message.id
  }

  function save(kind: 'md' | 'json') {
    const chat = open.chat.value
    if (!chat) return
    if (kind === 'json')
      return saveFile(
        fileName(chat.title, 'json'),
        'application/json',
        chatToJson({ ...chat, agent_name: agent.value.name }, open.messages.value.map(withText)),
      )
    const words = { you: t('chat.message.you'), agent: agent.value.name, unfinished: t('chat.export.unfinished') }
    const path = open.path.value.map((entry) => withText(entry.message))
    saveFile(fileName(chat.title, 'md'), 'text/markdown', chatToMarkdown(chat.title || t('chat.untitled'), path, words))
  }

  function toggleDetails(message?: ChatMessageRow) {
    const wanted = message ?? lastRun()
    detailsOf.value = detailsOf.value?.id === wanted?.id ? undefined : wanted
  }

  useShortcut('answer-stop', () => {
    if (!running.value || editing.value) return false
    void actions.stop()
    return undefined
  })
  useShortcut('answer-copy', () => {
    const last = lastAnswer()
    if (last) void copyText(answerText(last, runOf(last.id)))
  })
  useShortcut('code-copy', () => {
    const fences = [...(lastAnswer()?.content ?? '').matchAll(/^(`{3,}|~{3,})[^\n]*\n([\s\S]*?)^\1/gm)]
    const code = fences.at(-1)?.[2]
    if (code !== undefined) void copyText(code)
  })
  const sibling = (by: number) => {
    const forked = open.path.value.findLast((entry) => entry.siblings.length > 1)
    if (forked) void actions.choose(forked, by)
  }
  useShortcut('sibling-previous', () => sibling(-1))
  useShortcut('sibling-next', () => sibling(1))

  return {
    ...open,
    waiting,
    actions,
    text,
    lock,
    editing,
    detailsOf: toRef(detailsOf),
    running,
    closed,
    agent,
    lastRun,
    editLast,
    save,
    toggleDetails,
  }
}
