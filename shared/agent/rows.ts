import { Type, type Static } from 'typebox'
import { column } from '../kernel/column.ts'
import { dictionary } from '../kernel/shapes.ts'

export const AGENT_STATUS = ['draft', 'published', 'archived'] as const
export const REVIEW_ACTION = ['submitted', 'approved', 'rejected', 'withdrawn', 'revoked'] as const

/** Words of a listing in one language. */
export const listingText = Type.Object({
  name: Type.Optional(Type.String({ maxLength: 255 })),
  tagline: Type.Optional(Type.String({ maxLength: 200 })),
  description: Type.Optional(Type.String({ maxLength: 8000 })),
  /** Suggested first messages. */
  starters: Type.Optional(Type.Array(Type.String({ maxLength: 300 }), { maxItems: 6 })),
})

/** A store listing: Chinese and English side by side; a missing language falls back to the other, then to the row. */
export const listing = Type.Object({ zh: Type.Optional(listingText), en: Type.Optional(listingText) })
export type Listing = Static<typeof listing>

export const modelParams = Type.Object({
  /** Provider's model name; absent: the platform's default. */
  model: Type.Optional(Type.String({ maxLength: 200 })),
  temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 200_000 })),
  /** Tokens of earlier messages that a run may see. */
  context_tokens: Type.Optional(Type.Integer({ minimum: 256, maximum: 1_000_000 })),
})
export type ModelParams = Static<typeof modelParams>

/** What an agent may touch, in the words a user decides by. */
export const manifest = Type.Object({
  name: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  icon: Type.Optional(Type.String()),
  category_id: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tags: Type.Optional(Type.Array(Type.String())),
  listing: Type.Optional(listing),
  /** Named services, tools and origins the version uses, e.g. `llm`. */
  permissions: Type.Optional(Type.Array(Type.String())),
  /** Node types of the workflow, in order. */
  steps: Type.Optional(Type.Array(Type.String())),
})
export type Manifest = Static<typeof manifest>

export const agentRow = Type.Object({
  id: column.uuid(),
  name: column.varchar(255),
  description: column.nullable(column.text()),
  developer_id: column.uuid(),
  category_id: column.nullable(column.uuid()),
  tags: column.textArray(),
  status: column.oneOf(20, AGENT_STATUS),
  download_count: column.int(),
  average_rating: column.nullable(column.numeric(3, 2)),
  published_at: column.nullable(column.timestamptz()),
  slug: column.varchar(100),
  icon: column.nullable(column.varchar(64)),
  listing: column.jsonb(listing),
  rating_count: column.int(),
  deleted_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type AgentRow = Static<typeof agentRow>

/** A place of a draft that waits for its developer: what the draft's row knows of a row of `draft_conflicts`. */
export const openConflict = Type.Object({
  id: Type.String(),
  path: Type.String(),
  /** Node of the clock of the device whose version lost. */
  device: Type.String(),
  /** Mark of that version, by which its next save is known. */
  mark: Type.String(),
})
export type OpenConflict = Static<typeof openConflict>

export const agentDraftRow = Type.Object({
  id: column.uuid(),
  agent_id: column.uuid(),
  user_id: column.uuid(),
  name: column.varchar(255),
  description: column.text(),
  category_id: column.nullable(column.uuid()),
  tags: column.textArray(),
  icon: column.nullable(column.varchar(64)),
  listing: column.jsonb(listing),
  system_prompt: column.text(),
  model_params: column.jsonb(modelParams),
  workflow_definition: column.json(),
  revision: column.int(),
  field_clock: column.jsonb(dictionary(Type.String())),
  /** Open conflicts of this draft. */
  conflicts: column.jsonb(Type.Array(openConflict)),
  deleted_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type AgentDraftRow = Omit<Static<typeof agentDraftRow>, 'workflow_definition'> & {
  /** A `WorkflowDefinition` (shared/workflow/graph.ts), or null for a prompt-only agent. */
  workflow_definition: unknown
}

export const CONFLICT_CHOICE = ['mine', 'theirs', 'edited'] as const
export type ConflictChoice = (typeof CONFLICT_CHOICE)[number]

/**
 * A place of a draft that two devices changed, each in its own way (shared/agent/merge). The draft holds `theirs`,
 * which was there first; `mine` came later. A side that has nothing there is null, and so is a base that nobody knows.
 */
export const draftConflictRow = Type.Object({
  id: column.uuid(),
  draft_id: column.uuid(),
  user_id: column.uuid(),
  /** Names from the draft's field down, as in RFC 6901 without the leading slash. */
  path: column.text(),
  base: column.nullable(column.json()),
  mine: column.nullable(column.json()),
  theirs: column.nullable(column.json()),
  /** Clock of the last save of `mine`. */
  hlc: column.varchar(64),
  choice: column.nullable(column.oneOf(20, CONFLICT_CHOICE)),
  settled_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type DraftConflictRow = Static<typeof draftConflictRow>

export const agentInstallRow = Type.Object({
  id: column.uuid(),
  user_id: column.uuid(),
  agent_id: column.uuid(),
  agent_version_id: column.uuid(),
  version: column.varchar(50),
  name: column.varchar(255),
  icon: column.nullable(column.varchar(64)),
  manifest: column.jsonb(manifest),
  pinned: column.bool(),
  removed_at: column.nullable(column.timestamptz()),
  /** Clocks of `pinned` and `removed`. */
  field_clock: column.jsonb(dictionary(Type.String())),
  created_at: column.timestamptz(),
  updated_at: column.timestamptz(),
})
export type AgentInstallRow = Static<typeof agentInstallRow>
