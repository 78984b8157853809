import { Type, type Static } from 'typebox'
import { byteLength, CAPS } from '../kernel/caps.ts'
import { userError } from '../kernel/errors.ts'
import { newerFields } from '../kernel/field-clock.ts'
import { mutator, type Row } from '../kernel/mutator.ts'
import { listing, modelParams } from './rows.ts'

const id = Type.String({ format: 'uuid' })

/** Fields of a draft that its developer edits. */
export const draftFields = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  description: Type.Optional(Type.String({ maxLength: 8000 })),
  category_id: Type.Optional(Type.Union([id, Type.Null()])),
  tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 40 }), { maxItems: 12 })),
  icon: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
  listing: Type.Optional(listing),
  system_prompt: Type.Optional(Type.String({ maxLength: CAPS.prompt })),
  model_params: Type.Optional(modelParams),
  /** Checked against `workflowDefinition` on submit and before a run; a draft may be unfinished. */
  workflow_definition: Type.Optional(Type.Unknown()),
})

function checkSizes(set: Row): void {
  if (typeof set['system_prompt'] === 'string' && byteLength(set['system_prompt']) > CAPS.prompt) {
    throw userError('row/too-large', { field: 'system_prompt', limit: CAPS.prompt })
  }
  if (byteLength(JSON.stringify(set)) > CAPS.json) throw userError('row/too-large', { limit: CAPS.json })
}

/** A new agent: its row and the draft that its developer edits. */
export const createAgent = mutator({
  name: 'agent.create',
  permission: 'agent:write',
  args: Type.Object({ agent_id: id, draft_id: id, fields: draftFields }),
  reads: ({ agent_id, draft_id }) => [
    { table: 'agents', key: { id: agent_id } },
    { table: 'agent_drafts', key: { id: draft_id } },
  ],
  run: ({ agent_id, draft_id, fields }, rows, ctx) => {
    if (rows.get('agents', { id: agent_id })) throw userError('row/exists', { table: 'agents' })
    checkSizes(fields)
    const name = fields.name ?? ''
    if (name.trim() === '') throw userError('row/invalid', { field: 'name' })
    const both = {
      ...withDefaults(name, fields),
      created_at: ctx.now,
      updated_at: ctx.now,
      deleted_at: null,
    }
    return [
      { op: 'insert', table: 'agents', row: { ...both, ...newAgent(agent_id, ctx.user_id) } },
      { op: 'insert', table: 'agent_drafts', row: { ...both, ...newDraft(draft_id, agent_id, ctx.user_id, fields) } },
    ]
  },
})

/** What an agent and its draft both have. */
function withDefaults(name: string, fields: Static<typeof draftFields>): Row {
  return {
    name,
    description: fields.description ?? '',
    category_id: fields.category_id ?? null,
    tags: fields.tags ?? [],
    icon: fields.icon ?? null,
    listing: fields.listing ?? {},
  }
}

function newAgent(id: string, developer_id: string): Row {
  return {
    id,
    developer_id,
    status: 'draft',
    download_count: 0,
    average_rating: null,
    published_at: null,
    slug: `agent-${id.slice(-12)}`,
    rating_count: 0,
  }
}

function newDraft(id: string, agent_id: string, user_id: string, fields: Static<typeof draftFields>): Row {
  return {
    id,
    agent_id,
    user_id,
    system_prompt: fields.system_prompt ?? '',
    model_params: fields.model_params ?? {},
    workflow_definition: fields.workflow_definition ?? null,
    revision: 1,
    field_clock: {},
  }
}

/** Changes fields of a draft; for each field the latest clock wins. */
export const updateDraft = mutator({
  name: 'draft.update',
  permission: 'agent:write',
  locks: true,
  args: Type.Object({ id, set: draftFields }),
  reads: ({ id }) => [{ table: 'agent_drafts', key: { id } }],
  run: ({ id, set }, rows, ctx) => {
    const draft = rows.get('agent_drafts', { id })
    if (!draft || draft['deleted_at'] !== null) throw userError('row/not-found', { table: 'agent_drafts' })
    checkSizes(set)
    if (set.name !== undefined && set.name.trim() === '') throw userError('row/invalid', { field: 'name' })
    const newer = newerFields(draft, set, ctx.hlc)
    if (!newer) return []
    const revision = typeof draft['revision'] === 'number' ? draft['revision'] + 1 : 1
    return [{ op: 'update', table: 'agent_drafts', key: { id }, set: { ...newer, revision, updated_at: ctx.now } }]
  },
})

/** Hides an agent of one's own from the studio; a published one is taken from the store by archiving it first. */
export const deleteAgent = mutator({
  name: 'agent.delete',
  permission: 'agent:write',
  locks: true,
  args: Type.Object({ agent_id: id, draft_id: id }),
  reads: ({ agent_id, draft_id }) => [
    { table: 'agents', key: { id: agent_id } },
    { table: 'agent_drafts', key: { id: draft_id } },
  ],
  run: ({ agent_id, draft_id }, rows, ctx) => {
    const agent = rows.get('agents', { id: agent_id })
    const draft = rows.get('agent_drafts', { id: draft_id })
    if (!agent || !draft || draft['agent_id'] !== agent_id) throw userError('row/not-found', { table: 'agents' })
    return [
      {
        op: 'update',
        table: 'agents',
        key: { id: agent_id },
        set: { status: 'archived', deleted_at: ctx.now, updated_at: ctx.now },
      },
      { op: 'update', table: 'agent_drafts', key: { id: draft_id }, set: { deleted_at: ctx.now, updated_at: ctx.now } },
    ]
  },
})

/** Pins or removes an installed agent; chats with it stay. */
export const updateInstall = mutator({
  name: 'install.update',
  permission: 'store:install',
  locks: true,
  args: Type.Object({
    id,
    set: Type.Object({ pinned: Type.Optional(Type.Boolean()), removed: Type.Optional(Type.Boolean()) }),
  }),
  reads: ({ id }) => [{ table: 'agent_installs', key: { id } }],
  run: ({ id, set }, rows, ctx) => {
    const install = rows.get('agent_installs', { id })
    if (!install) throw userError('row/not-found', { table: 'agent_installs' })
    const changes: Row = { updated_at: ctx.now }
    if (set.pinned !== undefined) changes['pinned'] = set.pinned
    if (set.removed !== undefined) changes['removed_at'] = set.removed ? ctx.now : null
    return [{ op: 'update', table: 'agent_installs', key: { id }, set: changes }]
  },
})

export const agentMutators = [createAgent, updateDraft, deleteAgent, updateInstall]
