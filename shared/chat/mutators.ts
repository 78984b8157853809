import { Type, type Static } from 'typebox'
import { byteLength, CAPS } from '../kernel/caps.ts'
import { userError } from '../kernel/errors.ts'
import { newerFields } from '../kernel/field-clock.ts'
import { mutator, type MutationContext, type Reader, type Row, type Write } from '../kernel/mutator.ts'

const id = Type.String({ format: 'uuid' })

/** Chats that people make themselves; `review` and `api` chats are made by the server. */
const newChat = Type.Object({
  agent_id: id,
  /** The locked version; null for a chat with one's own draft. */
  agent_version_id: Type.Union([id, Type.Null()]),
  source: Type.Union([Type.Literal('app'), Type.Literal('draft')]),
  title: Type.String({ maxLength: 255 }),
})
export type NewChat = Static<typeof newChat>

function insertChat(chat_id: string, chat: NewChat, ctx: MutationContext): Write {
  if (chat.source === 'app' && chat.agent_version_id === null) throw userError('agent/not-runnable')
  return {
    op: 'insert',
    table: 'chats',
    row: {
      id: chat_id,
      user_id: ctx.user_id,
      agent_id: chat.agent_id,
      agent_version_id: chat.agent_version_id,
      title: chat.title,
      context: {},
      status: 'active',
      expires_at: null,
      source: chat.source,
      pinned: false,
      field_clock: {},
      deleted_at: null,
      created_at: ctx.now,
      updated_at: ctx.now,
    },
  }
}

function insertMessage(message: Row, ctx: MutationContext): Write {
  return {
    op: 'insert',
    table: 'chat_messages',
    row: {
      status: 'sent',
      metadata: {},
      workflow_execution_id: null,
      workflow_node_name: null,
      workflow_status: 'completed',
      message_type: 'text',
      is_intermediate: false,
      user_id: ctx.user_id,
      deleted_at: null,
      created_at: ctx.now,
      updated_at: ctx.now,
      ...message,
    },
  }
}

/** What starts a run: the question, the answer that will stand below it, and the run that writes it. */
interface Asked {
  chat_id: string
  user_message_id: string
  answer_message_id: string
  execution_id: string
}

function insertAnswer(asked: Asked, ctx: MutationContext): Write {
  return insertMessage(
    {
      id: asked.answer_message_id,
      chat_id: asked.chat_id,
      parent_message_id: asked.user_message_id,
      role: 'assistant',
      content: '',
      status: 'sending',
      workflow_execution_id: asked.execution_id,
      workflow_status: 'queued',
    },
    ctx,
  )
}

function choice(chat_id: string, fork_id: string, child_id: string, ctx: MutationContext): Write {
  return {
    op: 'upsert',
    table: 'branch_choices',
    row: { user_id: ctx.user_id, chat_id, fork_id, child_id, hlc: ctx.hlc, updated_at: ctx.now },
  }
}

const choiceKey = (chat_id: string, fork_id: string, ctx: MutationContext) => ({
  table: 'branch_choices',
  key: { user_id: ctx.user_id, chat_id, fork_id },
})

/** A new child must show: when somebody chose a branch at this fork before, the choice moves to it. */
function moveChoice(chat_id: string, fork_id: string, child_id: string, rows: Reader, ctx: MutationContext): Write[] {
  const chosen = rows.get('branch_choices', choiceKey(chat_id, fork_id, ctx).key)
  return chosen ? [choice(chat_id, fork_id, child_id, ctx)] : []
}

function openChat(rows: Reader, chat_id: string): Row {
  const chat = rows.get('chats', { id: chat_id })
  if (!chat) throw userError('row/not-found', { table: 'chats' })
  if (chat['status'] === 'deleted') throw userError('chat/deleted')
  return chat
}

export const createChat = mutator({
  name: 'chat.create',
  permission: 'chat:write',
  args: Type.Object({ id, chat: newChat }),
  reads: ({ id }) => [{ table: 'chats', key: { id } }],
  run: ({ id, chat }, rows, ctx) => {
    requireNew(rows, 'chats', id)
    return [insertChat(id, chat, ctx)]
  },
})

export const updateChat = mutator({
  name: 'chat.update',
  permission: 'chat:write',
  locks: true,
  args: Type.Object({
    id,
    set: Type.Object({
      title: Type.Optional(Type.String({ maxLength: 255 })),
      pinned: Type.Optional(Type.Boolean()),
      status: Type.Optional(Type.Union([Type.Literal('active'), Type.Literal('archived')])),
    }),
  }),
  reads: ({ id }) => [{ table: 'chats', key: { id } }],
  run: ({ id, set }, rows, ctx) => {
    const chat = openChat(rows, id)
    const newer = newerFields(chat, set, ctx.hlc)
    return newer ? [{ op: 'update', table: 'chats', key: { id }, set: { ...newer, updated_at: ctx.now } }] : []
  },
})

/** Deletes wins over edits; retention removes the rows later, until then `chat.restore` brings the chat back. */
export const deleteChat = mutator({
  name: 'chat.delete',
  permission: 'chat:write',
  locks: true,
  args: Type.Object({ id }),
  reads: ({ id }) => [{ table: 'chats', key: { id } }],
  run: ({ id }, rows, ctx) => {
    const chat = rows.get('chats', { id })
    if (!chat) throw userError('row/not-found', { table: 'chats' })
    if (chat['status'] === 'deleted') return []
    return [
      {
        op: 'update',
        table: 'chats',
        key: { id },
        set: { status: 'deleted', deleted_at: ctx.now, updated_at: ctx.now },
      },
    ]
  },
})

export const restoreChat = mutator({
  name: 'chat.restore',
  permission: 'chat:write',
  locks: true,
  args: Type.Object({ id }),
  reads: ({ id }) => [{ table: 'chats', key: { id } }],
  run: ({ id }, rows, ctx) => {
    const chat = rows.get('chats', { id })
    if (!chat) throw userError('row/not-found', { table: 'chats' })
    if (chat['status'] !== 'deleted') return []
    return [
      { op: 'update', table: 'chats', key: { id }, set: { status: 'active', deleted_at: null, updated_at: ctx.now } },
    ]
  },
})

/**
 * Sends a message and starts the run that answers it; with `chat`, makes the chat in the same breath. An edit is a
 * send whose parent is the edited message's parent: it makes a sibling.
 */
export const sendMessage = mutator({
  name: 'message.send',
  permission: 'chat:write',
  args: Type.Object({
    chat_id: id,
    parent_message_id: Type.Union([id, Type.Null()]),
    user_message_id: id,
    answer_message_id: id,
    execution_id: id,
    content: Type.String({ minLength: 1, maxLength: CAPS.message }),
    chat: Type.Optional(newChat),
  }),
  reads: (args, ctx) => [
    { table: 'chats', key: { id: args.chat_id } },
    { table: 'chat_messages', key: { id: args.user_message_id } },
    ...(args.parent_message_id ? [{ table: 'chat_messages', key: { id: args.parent_message_id } }] : []),
    choiceKey(args.chat_id, args.parent_message_id ?? args.chat_id, ctx),
  ],
  run: (args, rows, ctx) => {
    if (byteLength(args.content) > CAPS.message) throw userError('row/too-large', { limit: CAPS.message })
    if (args.content.trim() === '') throw userError('row/invalid', { field: 'content' })
    requireNew(rows, 'chat_messages', args.user_message_id)
    const writes: Write[] = []
    if (args.chat && !rows.get('chats', { id: args.chat_id })) writes.push(insertChat(args.chat_id, args.chat, ctx))
    else openChat(rows, args.chat_id)
    if (args.parent_message_id) requireInChat(rows, args.parent_message_id, args.chat_id)
    writes.push(
      insertMessage(
        {
          id: args.user_message_id,
          chat_id: args.chat_id,
          parent_message_id: args.parent_message_id,
          role: 'user',
          content: args.content,
        },
        ctx,
      ),
      insertAnswer(args, ctx),
      ...moveChoice(args.chat_id, args.parent_message_id ?? args.chat_id, args.user_message_id, rows, ctx),
    )
    return writes
  },
})

/** Another answer to the same message: a new assistant sibling with a run of its own. */
export const regenerateMessage = mutator({
  name: 'message.regenerate',
  permission: 'chat:write',
  args: Type.Object({ chat_id: id, user_message_id: id, answer_message_id: id, execution_id: id }),
  reads: (args, ctx) => [
    { table: 'chats', key: { id: args.chat_id } },
    { table: 'chat_messages', key: { id: args.user_message_id } },
    { table: 'chat_messages', key: { id: args.answer_message_id } },
    choiceKey(args.chat_id, args.user_message_id, ctx),
  ],
  run: (args, rows, ctx) => {
    openChat(rows, args.chat_id)
    const question = requireInChat(rows, args.user_message_id, args.chat_id)
    if (question['role'] !== 'user') throw userError('chat/not-editable')
    requireNew(rows, 'chat_messages', args.answer_message_id)
    return [
      insertAnswer(args, ctx),
      ...moveChoice(args.chat_id, args.user_message_id, args.answer_message_id, rows, ctx),
    ]
  },
})

/** What is left of a deleted message. */
const tombstone = (id: string, ctx: MutationContext): Write => ({
  op: 'update',
  table: 'chat_messages',
  key: { id },
  set: { status: 'deleted', content: '', metadata: {}, deleted_at: ctx.now, updated_at: ctx.now },
})

/** A tombstone: the text goes, the place in the tree and the children stay. */
export const deleteMessage = mutator({
  name: 'message.delete',
  permission: 'chat:write',
  locks: true,
  args: Type.Object({ id }),
  reads: ({ id }) => [{ table: 'chat_messages', key: { id } }],
  run: ({ id }, rows, ctx) => {
    const message = rows.get('chat_messages', { id })
    if (!message) throw userError('row/not-found', { table: 'chat_messages' })
    if (message['status'] === 'deleted') return []
    if (message['status'] === 'sending') throw userError('chat/still-running')
    return [tombstone(id, ctx)]
  },
})

/**
 * Takes a question back before its answer begins: both go, and the server stops the run, should it have begun after
 * all. Never refused: a question that is not there is taken back already.
 */
export const withdrawMessage = mutator({
  name: 'message.withdraw',
  permission: 'chat:write',
  args: Type.Object({ user_message_id: id, answer_message_id: id }),
  reads: (args) => [
    { table: 'chat_messages', key: { id: args.user_message_id } },
    { table: 'chat_messages', key: { id: args.answer_message_id } },
  ],
  run: (args, rows, ctx) => {
    const question = rows.get('chat_messages', { id: args.user_message_id })
    const answer = rows.get('chat_messages', { id: args.answer_message_id })
    if (question?.['role'] !== 'user' || answer?.['parent_message_id'] !== args.user_message_id) return []
    return [question, answer].flatMap(({ id, status }) => (status === 'deleted' ? [] : [tombstone(String(id), ctx)]))
  },
})

/** Which child shows at a fork: one row a fork, the latest clock wins. */
export const chooseBranch = mutator({
  name: 'branch.choose',
  permission: 'chat:write',
  locks: true,
  args: Type.Object({ chat_id: id, fork_id: id, child_id: id }),
  reads: (args, ctx) => [
    { table: 'chats', key: { id: args.chat_id } },
    { table: 'chat_messages', key: { id: args.child_id } },
    choiceKey(args.chat_id, args.fork_id, ctx),
  ],
  run: (args, rows, ctx) => {
    openChat(rows, args.chat_id)
    requireInChat(rows, args.child_id, args.chat_id)
    const current = rows.get('branch_choices', choiceKey(args.chat_id, args.fork_id, ctx).key)
    if (current && typeof current['hlc'] === 'string' && current['hlc'] > ctx.hlc) return []
    return [choice(args.chat_id, args.fork_id, args.child_id, ctx)]
  },
})

/** Asks a run to stop; text that has arrived stays. Takes effect on the server, so nothing changes here at once. */
export const stopRun = mutator({
  name: 'run.stop',
  permission: 'run:stop',
  args: Type.Object({ execution_id: id, answer_message_id: id }),
  reads: ({ answer_message_id }) => [{ table: 'chat_messages', key: { id: answer_message_id } }],
  run: ({ answer_message_id }, rows) => {
    if (!rows.get('chat_messages', { id: answer_message_id }))
      throw userError('row/not-found', { table: 'chat_messages' })
    return []
  },
})

/** The database refuses a key that is there, too; this keeps a device from showing what will be refused. */
function requireNew(rows: Reader, table: string, id: string): void {
  if (rows.get(table, { id })) throw userError('row/exists', { table })
}

function requireInChat(rows: Reader, message_id: string, chat_id: string): Row {
  const message = rows.get('chat_messages', { id: message_id })
  if (!message || message['chat_id'] !== chat_id) throw userError('chat/parent-missing')
  return message
}

export const chatMutators = [
  createChat,
  updateChat,
  deleteChat,
  restoreChat,
  sendMessage,
  regenerateMessage,
  deleteMessage,
  withdrawMessage,
  chooseBranch,
  stopRun,
]
