import { useRouter } from 'vue-router'
import {
  chooseBranch,
  deleteMessage,
  regenerateMessage,
  sendMessage,
  stopRun,
  withdrawMessage,
  type NewChat,
} from '../../shared/chat/mutators.ts'
import type { ChatListRow } from '../../shared/chat/queries.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { newId } from '../../shared/kernel/id.ts'
import { t } from '../app/i18n.ts'
import { editUnsent } from '../app/edit-unsent.ts'
import { attempt } from '../app/errors.ts'
import { askingIds, mutate, store } from '../app/local.ts'
import { confirm } from '../ui/confirm.ts'
import { echo, forgetEchoes } from './echoes.ts'
import { answerRow, messageRow } from './new-rows.ts'
import type { ChatEntry, OpenChat } from './use-chat.ts'

export interface Post {
  user_message_id: string
  /** Whether the message was queued; false when this device refused it, which has been said. */
  done: Promise<boolean>
}

/**
 * Sends a message below `parent`; with `chat`, makes the chat in the same breath. It is on screen when this returns,
 * and durable when `done` resolves.
 */
export function postMessage(
  chat_id: string,
  parent_message_id: string | null,
  content: string,
  made?: { chat: NewChat; row: ChatListRow },
): Post {
  const ids = { user_message_id: newId(), answer_message_id: newId(), execution_id: newId() }
  const question = messageRow({ id: ids.user_message_id, chat_id, parent_message_id, role: 'user', content })
  echo([question, answerRow(ids.answer_message_id, chat_id, ids.user_message_id, ids.execution_id)], made?.row)
  const args = { chat_id, parent_message_id, content, ...ids, ...(made ? { chat: made.chat } : {}) }
  const done = mutate(sendMessage, args).then((queued) => {
    if (!queued) forgetEchoes([ids.user_message_id, ids.answer_message_id, chat_id])
    return queued !== undefined
  })
  return { user_message_id: ids.user_message_id, done }
}

/** What a person does in an open chat. */
export function useChatActions(open: OpenChat, chat_id: () => string) {
  const router = useRouter()

  function post(parent: string | null, content: string): Promise<boolean> {
    const sent = postMessage(chat_id(), parent, content)
    open.show(parent ?? chat_id(), sent.user_message_id)
    return sent.done
  }

  /** Sends below the last message on screen; below a running answer it waits its turn. */
  function send(content: string): Promise<boolean> {
    return post(open.leaf.value?.id ?? null, content)
  }

  /** An edit is a sibling: the old message and what followed stay on their branch. */
  function edit(entry: ChatEntry, content: string): Promise<boolean> {
    return post(entry.fork_id === chat_id() ? null : entry.fork_id, content)
  }

  /** Another answer to the same question. */
  async function regenerate(question_id: string): Promise<void> {
    const ids = { answer_message_id: newId(), execution_id: newId() }
    open.show(question_id, ids.answer_message_id)
    echo([answerRow(ids.answer_message_id, chat_id(), question_id, ids.execution_id)])
    const queued = await mutate(regenerateMessage, { chat_id: chat_id(), user_message_id: question_id, ...ids })
    if (!queued) forgetEchoes([ids.answer_message_id])
  }

  async function choose(entry: ChatEntry, step: number): Promise<void> {
    const size = entry.siblings.length
    const child = entry.siblings[(entry.index + step + size) % size]
    if (!child || child.id === entry.message.id) return
    open.show(entry.fork_id, child.id)
    await mutate(chooseBranch, { chat_id: chat_id(), fork_id: entry.fork_id, child_id: child.id })
  }

  /** Stops the answer that is being written. What waits behind it begins then; each can be taken back on its own. */
  async function stop(): Promise<void> {
    const now = open.open.value[0]
    if (!now?.workflow_execution_id) return
    await mutate(stopRun, { execution_id: now.workflow_execution_id, answer_message_id: now.id })
  }

  /** Takes back a question whose answer has not begun; one that was never sent simply goes. */
  async function withdraw(question_id: string, answer_message_id: string): Promise<void> {
    const unsent = askingIds.value.get(question_id)
    if (unsent) {
      await attempt(async () => store.value?.outbox.discard(unsent))
      forgetEchoes([question_id, answer_message_id])
      return
    }
    await mutate(withdrawMessage, { user_message_id: question_id, answer_message_id })
  }

  /** A first question takes its chat with it when it is taken back: its text goes to where a chat begins. */
  async function takeAlong(question_id: string): Promise<boolean> {
    const [local, id] = [store.value, askingIds.value.get(question_id)]
    const item = id && (await local?.outbox.queued())?.find((one) => one.id === id)
    if (!local || !item || item.args['chat'] === undefined) return false
    const way = await attempt(() => editUnsent(local, item, (back) => local.outbox.discard(item.id, back)))
    if (way) await router.push(way)
    return true
  }

  /** Sends a question that had grown old while it waited. */
  async function sendAfterAll(question_id: string): Promise<void> {
    const unsent = askingIds.value.get(question_id)
    if (unsent) await attempt(async () => store.value?.outbox.release(unsent))
  }

  /** Deletes a message's text for good, so it asks first. */
  async function remove(message: ChatMessageRow): Promise<void> {
    const yes = await confirm({
      title: t('chat.remove.title'),
      text: t('chat.remove.text'),
      confirm: t('chat.remove.action'),
      danger: true,
    })
    if (yes) await mutate(deleteMessage, { id: message.id })
  }

  return { send, edit, regenerate, choose, stop, withdraw, takeAlong, sendAfterAll, remove }
}

export type ChatActions = ReturnType<typeof useChatActions>
