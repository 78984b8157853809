import type { ChatListRow } from '../../shared/chat/queries.ts'
import type { NewChat } from '../../shared/chat/mutators.ts'
import type { ChatMessageRow } from '../../shared/chat/rows.ts'
import { store } from '../app/local.ts'

type Given = Pick<ChatMessageRow, 'id' | 'chat_id' | 'parent_message_id' | 'role' | 'content'> & Partial<ChatMessageRow>

/** A message as it will come back from the store. Its `seq` is the server's to give, so it stands last until then. */
export function messageRow(given: Given): ChatMessageRow {
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

/** The answer to come: empty, waiting for its run. */
export function answerRow(id: string, chat_id: string, question_id: string, execution_id: string): ChatMessageRow {
  return messageRow({
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

/** A chat as the list will show it. */
export function chatRow(id: string, chat: NewChat, agent: { name: string; icon: string | null }): ChatListRow {
  const { title, source, agent_id, agent_version_id } = chat
  return {
    id,
    title,
    status: 'active',
    source,
    pinned: false,
    agent_id,
    agent_version_id,
    agent_name: agent.name,
    agent_icon: agent.icon,
    agent_version: null,
    created_at: new Date().toISOString(),
    last_at: null,
    last_role: null,
    last_text: null,
    last_id: null,
    last_status: null,
  }
}
