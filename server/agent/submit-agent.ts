import type { VersionEntry } from '../../shared/agent/api.ts'
import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, prepared } from '../kernel/statement.ts'
import { freezeDraft } from './freeze-draft.ts'
import { lockAgent, releaseById, releasesOf } from './version.repository.ts'

export interface Submission {
  agent_id: string
  version: string
  changelog: string
  /** The draft revision that the developer saw. */
  revision: number
}

/**
 * Freezes the draft as an immutable release and opens its review. One submission at a time: an open one must be
 * decided or withdrawn first.
 */
export async function submitAgent(db: Database, actor: Actor, submission: Submission): Promise<VersionEntry> {
  const version_id = newId()
  await db.transaction(async (tx) => {
    const agent = await lockAgent(tx, submission.agent_id)
    if (!agent || agent.deleted_at !== null) throw userError('agent/not-found')
    if (agent.developer_id !== actor.user_id) throw userError('agent/not-yours')
    const [draft] = await tx.query<AgentDraftRow & Record<string, unknown>>(
      prepared('select * from agent_drafts where agent_id = $1 and deleted_at is null for update', [
        submission.agent_id,
      ]),
    )
    if (!draft) throw userError('agent/not-found')
    if (draft.revision !== submission.revision) throw userError('agent/draft-conflict', { revision: draft.revision })
    const releases = await releasesOf(tx, submission.agent_id)
    if (releases.some((release) => release.state === 'submitted')) throw userError('agent/already-submitted')
    if (releases.some((release) => compareVersions(release.version, submission.version) >= 0)) {
      throw userError('row/exists', { table: 'agent_versions', version: submission.version })
    }
    const frozen = freezeDraft(draft)
    await tx.query(
      compose(
        [
          {
            name: 'release',
            sql: `insert into agent_versions (id, agent_id, version, kind, content_hash, workflow_definition, system_prompt,
                model_params_override, service_dependencies, manifest, changelog, created_by)
              values ($1::uuid, $2::uuid, $3::varchar, 'release', $4::varchar, $5::jsonb, $6::text, $7::jsonb, $8::jsonb, $9::jsonb,
                $10::text, $11::uuid)`,
            values: [
              version_id,
              submission.agent_id,
              submission.version,
              frozen.content_hash,
              JSON.stringify(frozen.workflow_definition),
              frozen.system_prompt,
              JSON.stringify(frozen.model_params_override),
              JSON.stringify(frozen.service_dependencies),
              JSON.stringify(frozen.manifest),
              submission.changelog,
              actor.user_id,
            ],
          },
          {
            name: 'review',
            sql: `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id)
              values ($1::uuid, $2::uuid, $3::uuid, 'submitted', $4::uuid)`,
            values: [newId(), submission.agent_id, version_id, actor.user_id],
          },
          auditPart({
            actor_id: actor.user_id,
            action: 'agent.submit',
            object_type: 'agent_version',
            object_id: version_id,
            params: { agent_id: submission.agent_id, version: submission.version, content_hash: frozen.content_hash },
          }),
        ],
        'select 1',
      ),
    )
  })
  const entry = await releaseById(db, version_id)
  if (!entry) throw userError('agent/not-found')
  return entry
}

/** Takes back a submission that has not been decided. */
export async function withdrawVersion(
  db: Database,
  actor: Actor,
  agent_id: string,
  version_id: string,
): Promise<VersionEntry> {
  await db.transaction(async (tx) => {
    const agent = await lockAgent(tx, agent_id)
    if (!agent) throw userError('agent/not-found')
    if (agent.developer_id !== actor.user_id) throw userError('agent/not-yours')
    const release = await releaseById(tx, version_id)
    if (!release || release.agent_id !== agent_id) throw userError('agent/not-found')
    if (release.state !== 'submitted') throw userError('review/decided', { state: release.state })
    await tx.query(
      compose(
        [
          {
            name: 'review',
            sql: `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id)
              values ($1::uuid, $2::uuid, $3::uuid, 'withdrawn', $4::uuid)`,
            values: [newId(), agent_id, version_id, actor.user_id],
          },
          auditPart({
            actor_id: actor.user_id,
            action: 'agent.withdraw',
            object_type: 'agent_version',
            object_id: version_id,
          }),
        ],
        'select 1',
      ),
    )
  })
  const entry = await releaseById(db, version_id)
  if (!entry) throw userError('agent/not-found')
  return entry
}

/** Order of `major.minor.patch` texts. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
