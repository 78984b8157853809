import {
  chooseBranch,
  deleteMessage,
  regenerateMessage,
  sendMessage,
  stopRun,
  type NewChat,
} from '../../shared/chat/mutators.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { newId } from '../../shared/kernel/id.ts'
import { mutate, store } from '../app/local.ts'
import type { ChatEntry, OpenChat } from './use-chat.ts'

export interface Sent {
  user_message_id: string
  answer_message_id: string
}

/** Queues a message below `parent`; with `chat`, the chat is made in the same breath. Undefined when it was refused. */
export async function postMessage(
  chat_id: string,
  parent_message_id: string | null,
  content: string,
  chat?: NewChat,
): Promise<(Sent & { rows: ChatMessageRow[] }) | undefined> {
  const ids = { user_message_id: newId(), answer_message_id: newId(), execution_id: newId() }
  const done = await mutate(sendMessage, { chat_id, parent_message_id, content, ...ids, ...(chat ? { chat } : {}) })
  if (!done) return undefined
  const question = row({ id: ids.user_message_id, chat_id, parent_message_id, role: 'user', content })
  const answer = answerRow(ids.answer_message_id, chat_id, ids.user_message_id, ids.execution_id)
  return { ...ids, rows: [question, answer] }
}

/** What a person does in an open chat. */
export function useChatActions(open: OpenChat, chat_id: () => string) {
  /** Sends below the last message on screen; below a running answer it waits its turn. */
  async function send(content: string): Promise<Sent | undefined> {
    return post(open.leaf.value?.id ?? null, content)
  }

  /** An edit is a sibling: the old message and what followed stay on their branch. */
  async function edit(entry: ChatEntry, content: string): Promise<Sent | undefined> {
    return post(entry.fork_id === chat_id() ? null : entry.fork_id, content)
  }

  async function post(parent: string | null, content: string): Promise<Sent | undefined> {
    const sent = await postMessage(chat_id(), parent, content)
    if (!sent) return undefined
    open.show(parent ?? chat_id(), sent.user_message_id)
    open.echo(sent.rows)
    return sent
  }

  /** Another answer to the same question. */
  async function regenerate(question_id: string): Promise<void> {
    const ids = { answer_message_id: newId(), execution_id: newId() }
    const done = await mutate(regenerateMessage, { chat_id: chat_id(), user_message_id: question_id, ...ids })
    if (!done) return
    open.show(question_id, ids.answer_message_id)
    open.echo([answerRow(ids.answer_message_id, chat_id(), question_id, ids.execution_id)])
  }

  async function choose(entry: ChatEntry, step: number): Promise<void> {
    const size = entry.siblings.length
    const child = entry.siblings[(entry.index + step + size) % size]
    if (!child || child.id === entry.message.id) return
    open.show(entry.fork_id, child.id)
    await mutate(chooseBranch, { chat_id: chat_id(), fork_id: entry.fork_id, child_id: child.id })
  }

  /** Stops the run that writes now, and those that wait behind it. */
  async function stop(): Promise<void> {
    for (const { id, workflow_execution_id } of [...open.open.value].reverse()) {
      if (workflow_execution_id) await mutate(stopRun, { execution_id: workflow_execution_id, answer_message_id: id })
    }
  }

  async function remove(message: ChatMessageRow): Promise<void> {
    await mutate(deleteMessage, { id: message.id })
  }

  return { send, edit, regenerate, choose, stop, remove }
}

export type ChatActions = ReturnType<typeof useChatActions>

function answerRow(id: string, chat_id: string, question_id: string, execution_id: string): ChatMessageRow {
  return row({
    id,
    chat_id,
    parent_message_id: question_id,
    role: 'assistant',
    content: '',
    status: 'sending',
    workflow_execution_id: execution_id,
    workflow_status: 'queued',
  })
}

/** A row as it will come back from the store; `seq` is the server's to give, so it stands last until then. */
function row(given: Pick<ChatMessageRow, 'id' | 'chat_id' | 'parent_message_id' | 'role' | 'content'> & Partial<ChatMessageRow>): ChatMessageRow {
  const now = new Date().toISOString()
  return {
    status: 'sent',
    metadata: {},
    workflow_execution_id: null,
    workflow_node_name: null,
    workflow_status: 'completed',
    message_type: 'text',
    is_intermediate: false,
    user_id: store.value?.user_id ?? '',
    seq: Number.MAX_SAFE_INTEGER,
    deleted_at: null,
    created_at: now,
    updated_at: now,
    ...given,
  }
}
