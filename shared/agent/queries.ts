import { Type } from 'typebox'
import { namedQuery } from '../kernel/query.ts'
import type { AgentDraftRow, AgentInstallRow, AgentRow, DraftConflictRow } from './rows.ts'

const id = Type.String({ format: 'uuid' })

export interface MyAgentRow {
  agent_id: string
  draft_id: string
  name: string
  description: string
  icon: string | null
  status: AgentRow['status']
  slug: string
  revision: number
  updated_at: string
  open_conflicts: number
  download_count: number
  average_rating: number | null
}

/** One's own agents, the one edited last first. */
export const myAgents = namedQuery<MyAgentRow>()({
  name: 'agent.mine',
  params: Type.Object({}),
  sql: `select a.id as agent_id, d.id as draft_id, d.name, d.description, d.icon, a.status, a.slug, d.revision, d.updated_at,
      jsonb_array_length(d.conflicts) as open_conflicts, a.download_count, a.average_rating
    from v_agent_drafts d join v_agents a on a.id = d.agent_id
    where d.deleted_at is null and a.deleted_at is null order by d.updated_at desc, d.id`,
})

export const draftByAgent = namedQuery<AgentDraftRow & { agent_status: AgentRow['status']; slug: string }>()({
  name: 'agent.draft',
  params: Type.Object({ agent_id: id }),
  sql: `select d.id, d.agent_id, d.user_id, d.name, d.description, d.category_id, d.tags, d.icon, d.listing, d.system_prompt,
      d.model_params, d.workflow_definition, d.revision, d.field_clock, d.conflicts, d.deleted_at, d.created_at, d.updated_at,
      a.status as agent_status, a.slug
    from v_agent_drafts d join v_agents a on a.id = d.agent_id where d.agent_id = $1 and d.deleted_at is null`,
  bind: ({ agent_id }) => [agent_id],
})

/** What waits to be settled in an agent's draft, the oldest first. */
export const openConflicts = namedQuery<DraftConflictRow>()({
  name: 'agent.conflicts',
  params: Type.Object({ agent_id: id }),
  sql: `select c.id, c.draft_id, c.user_id, c.path, c.base, c.mine, c.theirs, c.hlc, c.choice, c.settled_at, c.created_at, c.updated_at
    from v_draft_conflicts c join v_agent_drafts d on d.id = c.draft_id
    where d.agent_id = $1 and d.deleted_at is null and c.settled_at is null order by c.created_at, c.path, c.id`,
  bind: ({ agent_id }) => [agent_id],
})

/** Installed agents, pinned first. */
export const installs = namedQuery<AgentInstallRow>()({
  name: 'agent.installs',
  params: Type.Object({}),
  sql: `select id, user_id, agent_id, agent_version_id, version, name, icon, manifest, pinned, removed_at, field_clock, created_at, updated_at
    from v_agent_installs where removed_at is null order by pinned desc, updated_at desc, id`,
})

export const agentQueries = [myAgents, draftByAgent, openConflicts, installs]
