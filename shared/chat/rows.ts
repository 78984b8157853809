import { Type, type Static } from 'typebox'
import { column } from '../kernel/column.ts'
import { dictionary } from '../kernel/shapes.ts'

export const CHAT_STATUS = ['active', 'archived', 'deleted'] as const
export const CHAT_SOURCE = ['app', 'draft', 'review', 'api'] as const
export const MESSAGE_STATUS = ['sending', 'sent', 'failed', 'deleted'] as const
export const WORKFLOW_STATUS = ['queued', 'running', 'completed', 'failed', 'paused', 'cancelled'] as const
export const MESSAGE_TYPE = ['text', 'progress', 'error', 'system'] as const
export const MESSAGE_ROLE = ['user', 'assistant', 'system'] as const

export const chatRow = Type.Object({
  id: column.uuid(),
  user_id: column.uuid(),
  agent_id: column.uuid(),
  agent_version_id: column.nullable(column.uuid()),
  title: column.varchar(255),
  context: column.json(),
  status: column.oneOf(20, CHAT_STATUS),
  expires_at: column.nullable(column.timestamptz()),
  source: column.oneOf(16, CHAT_SOURCE),
  pinned: column.bool(),
  field_clock: column.jsonb(dictionary(Type.String())),
  deleted_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type ChatRow = Static<typeof chatRow>

/** What `chat_messages.metadata` may hold; other keys are kept and ignored. */
export const messageMetadata = Type.Object({
  /** Why an answer failed or ended early. */
  error: Type.Optional(Type.Object({ code: Type.String(), params: Type.Optional(dictionary(Type.Unknown())) })),
  model: Type.Optional(Type.String()),
  /** Set when the demonstration model answered; the interface labels such answers. */
  demo: Type.Optional(Type.Boolean()),
  /** The answer could have gone on: `size`, it filled a message; `length`, the model may not say more at once. */
  cut: Type.Optional(Type.Union([Type.Literal('size'), Type.Literal('length')])),
  tokens_prompt: Type.Optional(Type.Integer()),
  tokens_completion: Type.Optional(Type.Integer()),
  cost: Type.Optional(Type.Number()),
  duration_ms: Type.Optional(Type.Integer()),
})
export type MessageMetadata = Static<typeof messageMetadata>

export const chatMessageRow = Type.Object({
  id: column.uuid(),
  chat_id: column.uuid(),
  parent_message_id: column.nullable(column.uuid()),
  role: column.oneOf(50, MESSAGE_ROLE),
  content: column.text(),
  status: column.oneOf(20, MESSAGE_STATUS),
  metadata: column.jsonb(messageMetadata),
  workflow_execution_id: column.nullable(column.uuid()),
  workflow_node_name: column.nullable(column.varchar(128)),
  workflow_status: column.oneOf(20, WORKFLOW_STATUS),
  message_type: column.oneOf(20, MESSAGE_TYPE),
  is_intermediate: column.bool(),
  user_id: column.uuid(),
  /** Null only in a replica's overlay, before the server has numbered the row. */
  seq: column.bigint(),
  deleted_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type ChatMessageRow = Static<typeof chatMessageRow>

export const branchChoiceRow = Type.Object({
  user_id: column.uuid(),
  chat_id: column.uuid(),
  /** coalesce(parent message, chat): where the tree forks. */
  fork_id: column.uuid(),
  child_id: column.uuid(),
  hlc: column.varchar(64),
  updated_at: column.timestamptz(),
})
export type BranchChoiceRow = Static<typeof branchChoiceRow>
