import { Type, type Static } from 'typebox'
import { userError } from '../kernel/errors.ts'
import { newerFields } from '../kernel/field-clock.ts'
import { mutator, type Row } from '../kernel/mutator.ts'
import { checkSizes, draftFields } from './draft-fields.ts'
import { settleConflict, updateDraft } from './draft-mutators.ts'

const id = Type.String({ format: 'uuid' })

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
    conflicts: [],
  }
}

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

/** Pins or removes an installed agent, the later clock wins each; chats with it stay. */
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
    const newer = newerFields(install, set, ctx.hlc)
    if (!newer) return []
    const { removed, ...changes } = newer
    if (removed !== undefined) changes['removed_at'] = removed === true ? ctx.now : null
    return [{ op: 'update', table: 'agent_installs', key: { id }, set: { ...changes, updated_at: ctx.now } }]
  },
})

export { settleConflict, updateDraft }

export const agentMutators = [createAgent, updateDraft, settleConflict, deleteAgent, updateInstall]
