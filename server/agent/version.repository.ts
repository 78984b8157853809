import type { Listing, Manifest, ModelParams } from '../../shared/agent/rows.ts'
import type { VersionEntry } from '../../shared/agent/api.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'
import type { FrozenDraft } from './freeze-draft.ts'

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

/** A frozen draft on its way into `agent_versions`. */
export interface NewVersion {
  id: string
  agent_id: string
  kind: 'draft' | 'release'
  version: string
  changelog: string | null
  created_by: string
  frozen: FrozenDraft
}

/**
 * `version`: a new version. With `guard`, the name of a CTE, only if that has a row. A draft's snapshot that is there
 * already stays: its id is made of its content.
 */
export function versionPart({ frozen, ...version }: NewVersion, guard?: string): Part {
  return {
    name: 'version',
    sql: `insert into agent_versions (id, agent_id, version, kind, content_hash, workflow_definition, system_prompt,
        model_params_override, service_dependencies, manifest, changelog, created_by)
      select $1::uuid, $2::uuid, $3::varchar, $4::varchar, $5::varchar, $6::jsonb, $7::text, $8::jsonb, $9::jsonb, $10::jsonb,
        $11::text, $12::uuid${guard ? ` where exists (select 1 from ${guard})` : ''}
      ${version.kind === 'draft' ? 'on conflict do nothing' : ''}`,
    values: [
      version.id,
      version.agent_id,
      version.version,
      version.kind,
      frozen.content_hash,
      JSON.stringify(frozen.workflow_definition),
      frozen.system_prompt,
      JSON.stringify(frozen.model_params_override),
      JSON.stringify(frozen.service_dependencies),
      JSON.stringify(frozen.manifest),
      version.changelog,
      version.created_by,
    ],
  }
}

/** Takes the current mark from whichever version has it. */
export async function stepBackCurrent(tx: Queryable, agent_id: string): Promise<void> {
  await tx.query(
    prepared('update agent_versions set is_current = false where agent_id = $1 and is_current', [agent_id]),
  )
}

/** `current`: the version with the current mark, which no other may have by then. */
export function currentPart(version_id: string): Part {
  return {
    name: 'current',
    sql: 'update agent_versions set is_current = true where id = $1::uuid',
    values: [version_id],
  }
}
