import { Type } from 'typebox'
import { namedQuery } from '../kernel/query.ts'
import type { BranchChoiceRow, ChatMessageRow, ChatRow } from './rows.ts'

const id = Type.String({ format: 'uuid' })

export interface ChatListRow {
  id: string
  title: string
  status: ChatRow['status']
  source: ChatRow['source']
  pinned: boolean
  agent_id: string
  agent_version_id: string | null
  agent_name: string | null
  agent_icon: string | null
  agent_version: string | null
  created_at: string
  /** Time, author, start and state of the newest message. */
  last_at: string | null
  last_role: ChatMessageRow['role'] | null
  last_text: string | null
  last_id: string | null
  last_status: ChatMessageRow['workflow_status'] | null
}

/** Columns shared by lists of chats; `c` is the chat, `i` its install, `a` one's own agent, `m` its newest message. */
const listColumns = `c.id, c.title, c.status, c.source, c.pinned, c.agent_id, c.agent_version_id,
  coalesce(i.name, a.name) as agent_name, coalesce(i.icon, a.icon) as agent_icon, i.version as agent_version, c.created_at,
  m.created_at as last_at, m.role as last_role, left(m.content, 160) as last_text, m.id as last_id,
  m.workflow_status as last_status`
const listJoins = `left join v_agent_installs i on i.agent_id = c.agent_id
  left join v_agents a on a.id = c.agent_id
  left join lateral (
    select created_at, role, content, id, workflow_status from v_chat_messages
    where chat_id = c.id and not is_intermediate and status <> 'deleted'
    order by seq desc nulls first, created_at desc, id desc limit 1
  ) m on true`

/** The person's chats, pinned first, then by newest message. */
export const chatList = namedQuery<ChatListRow>()({
  name: 'chat.list',
  params: Type.Object({
    status: Type.Union([Type.Literal('active'), Type.Literal('archived')]),
    limit: Type.Integer({ minimum: 1, maximum: 1000 }),
  }),
  sql: `select ${listColumns} from v_chats c ${listJoins}
    where c.status = $1 and c.source in ('app', 'draft', 'review')
    order by c.pinned desc, coalesce(m.created_at, c.created_at) desc, c.id desc limit $2`,
  bind: ({ status, limit }) => [status, limit],
})

export const chatById = namedQuery<ChatListRow>()({
  name: 'chat.by-id',
  params: Type.Object({ id }),
  sql: `select ${listColumns} from v_chats c ${listJoins} where c.id = $1`,
  bind: ({ id }) => [id],
})

/** Every message of a chat, in order; the tree is built in `shared/chat/tree.ts`. */
export const chatMessages = namedQuery<ChatMessageRow>()({
  name: 'chat.messages',
  params: Type.Object({ chat_id: id }),
  sql: `select id, chat_id, parent_message_id, role, content, status, metadata, workflow_execution_id,
      workflow_node_name, workflow_status, message_type, is_intermediate, user_id, seq, deleted_at, created_at, updated_at
    from v_chat_messages where chat_id = $1 order by seq nulls last, created_at, id`,
  bind: ({ chat_id }) => [chat_id],
})

export const branchChoices = namedQuery<BranchChoiceRow>()({
  name: 'chat.branch-choices',
  params: Type.Object({ chat_id: id }),
  sql: `select user_id, chat_id, fork_id, child_id, hlc, updated_at from v_branch_choices where chat_id = $1`,
  bind: ({ chat_id }) => [chat_id],
})

export interface MessageHit {
  id: string
  chat_id: string
  chat_title: string
  role: ChatMessageRow['role']
  content: string
  created_at: string
}

/** Messages that contain `text` (case-sensitive LIKE: ILIKE costs five times as much on a replica), newest first. */
export const searchMessages = namedQuery<MessageHit>()({
  name: 'chat.search',
  params: Type.Object({
    text: Type.String({ minLength: 1, maxLength: 200 }),
    limit: Type.Integer({ minimum: 1, maximum: 100 }),
  }),
  sql: `select m.id, m.chat_id, c.title as chat_title, m.role, left(m.content, 4000) as content, m.created_at
    from v_chat_messages m join v_chats c on c.id = m.chat_id
    where m.status <> 'deleted' and c.status <> 'deleted' and not m.is_intermediate and m.content like $1
    order by m.created_at desc limit $2`,
  bind: ({ text, limit }) => [`%${text.replace(/[\\%_]/g, '\\$&')}%`, limit],
})

/** Chats whose title or agent contains `text`. */
export const searchChats = namedQuery<ChatListRow>()({
  name: 'chat.search-titles',
  params: Type.Object({
    text: Type.String({ minLength: 1, maxLength: 200 }),
    limit: Type.Integer({ minimum: 1, maximum: 100 }),
  }),
  sql: `select ${listColumns} from v_chats c ${listJoins}
    where c.status <> 'deleted' and c.source in ('app', 'draft', 'review')
      and (c.title ilike $1 or coalesce(i.name, a.name) ilike $1)
    order by coalesce(m.created_at, c.created_at) desc limit $2`,
  bind: ({ text, limit }) => [`%${text.replace(/[\\%_]/g, '\\$&')}%`, limit],
})

export interface RunningRow {
  id: string
  chat_id: string
  workflow_execution_id: string | null
  workflow_status: ChatMessageRow['workflow_status']
}

/** Answers that are being written, over all chats. */
export const runningAnswers = namedQuery<RunningRow>()({
  name: 'chat.running',
  params: Type.Object({}),
  sql: `select id, chat_id, workflow_execution_id, workflow_status from v_chat_messages
    where status = 'sending' order by created_at`,
})

export const chatQueries = [
  chatList,
  chatById,
  chatMessages,
  branchChoices,
  searchMessages,
  searchChats,
  runningAnswers,
]
