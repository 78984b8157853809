import type { Listing, Manifest, ModelParams } from '../../shared/agent/rows.ts'
import type { VersionEntry } from '../../shared/agent/api.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared } from '../kernel/statement.ts'

/** A release with the state of its review. */
export interface VersionRow extends Record<string, unknown> {
  id: string
  agent_id: string
  version: string
  changelog: string | null
  is_current: boolean
  state: VersionEntry['state']
  reason: string | null
  created_at: string
}

const ENTRY = `v.id, v.agent_id, v.version, v.changelog, v.is_current, v.created_at,
  agent_version_state(v.id) as state,
  (select reason from agent_reviews r where r.agent_version_id = v.id and r.reason is not null
    order by created_at desc, id desc limit 1) as reason`

export async function releasesOf(db: Queryable, agent_id: string): Promise<VersionRow[]> {
  return db.query<VersionRow>(
    prepared(
      `select ${ENTRY} from agent_versions v where v.agent_id = $1 and v.kind = 'release' order by v.created_at desc`,
      [agent_id],
    ),
  )
}

export async function releaseById(db: Queryable, version_id: string): Promise<VersionRow | undefined> {
  const [row] = await db.query<VersionRow>(
    prepared(`select ${ENTRY} from agent_versions v where v.id = $1 and v.kind = 'release'`, [version_id]),
  )
  return row
}

export interface AgentOwnership extends Record<string, unknown> {
  id: string
  developer_id: string
  status: string
  deleted_at: string | null
}

/** The agent's row, locked, so that submissions and decisions about one agent happen one after the other. */
export async function lockAgent(tx: Queryable, agent_id: string): Promise<AgentOwnership | undefined> {
  const [row] = await tx.query<AgentOwnership>(
    prepared('select id, developer_id, status, deleted_at from agents where id = $1 for update', [agent_id]),
  )
  return row
}

export interface ReviewedRow extends Record<string, unknown> {
  version: string
  system_prompt: string | null
  workflow_definition: unknown
  model_params: ModelParams
  tool_dependencies: string[]
  manifest: Manifest
  listing: Listing
}

const REVIEWED = `v.version, v.system_prompt, v.workflow_definition, coalesce(v.model_params_override, '{}') as model_params,
  v.tool_dependencies, v.manifest, coalesce(v.manifest -> 'listing', '{}') as listing`

export async function reviewedVersion(db: Queryable, version_id: string): Promise<ReviewedRow | undefined> {
  const [row] = await db.query<ReviewedRow>(
    prepared(`select ${REVIEWED} from agent_versions v where v.id = $1`, [version_id]),
  )
  return row
}

/** The approved version before `version_id`: what a reviewer compares with. */
export async function lastApproved(
  db: Queryable,
  agent_id: string,
  version_id: string,
): Promise<ReviewedRow | undefined> {
  const [row] = await db.query<ReviewedRow>(
    prepared(
      `select ${REVIEWED} from agent_versions v
       join agent_reviews r on r.agent_version_id = v.id and r.action = 'approved'
       where v.agent_id = $1 and v.id <> $2 and v.kind = 'release'
         and r.created_at < coalesce((select max(created_at) from agent_reviews
           where agent_version_id = $2 and action in ('approved', 'rejected')), now())
       order by r.created_at desc limit 1`,
      [agent_id, version_id],
    ),
  )
  return row
}
