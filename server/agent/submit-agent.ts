import type { VersionEntry } from '../../shared/agent/api.ts'
import type { AgentDraftRow } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database, Queryable } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose } from '../kernel/statement.ts'
import { lockAgent, type AgentOwnership } from './agent.repository.ts'
import { lockDraft } from './draft.repository.ts'
import { freezeDraft } from './freeze-draft.ts'
import { reviewPart } from './review.repository.ts'
import { releaseById, releasesOf, versionPart } from './version.repository.ts'

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
  const { agent_id, version, changelog } = submission
  const version_id = newId()
  const actor_id = actor.user_id
  await db.transaction(async (tx) => {
    const agent = await lockOwnAgent(tx, actor, agent_id)
    if (agent.deleted_at !== null) throw userError('agent/not-found')
    const draft = await lockSeenDraft(tx, submission)
    await refuseOccupiedVersion(tx, submission)
    const frozen = freezeDraft(draft)
    const submitted = auditPart({
      actor_id,
      action: 'agent.submit',
      object_type: 'agent_version',
      object_id: version_id,
      params: { agent_id, version, content_hash: frozen.content_hash },
    })
    const parts = [
      versionPart({ id: version_id, agent_id, kind: 'release', version, changelog, created_by: actor_id, frozen }),
      reviewPart({ agent_id, version_id, action: 'submitted', actor_id }),
      submitted,
    ]
    await tx.query(compose(parts, 'select 1'))
  })
  return requireRelease(db, version_id)
}

/** Takes back a submission that has not been decided. */
export async function withdrawVersion(
  db: Database,
  actor: Actor,
  agent_id: string,
  version_id: string,
): Promise<VersionEntry> {
  const actor_id = actor.user_id
  await db.transaction(async (tx) => {
    await lockOwnAgent(tx, actor, agent_id)
    const release = await releaseById(tx, version_id)
    if (!release || release.agent_id !== agent_id) throw userError('agent/not-found')
    if (release.state !== 'submitted') throw userError('review/decided', { state: release.state })
    const review = reviewPart({ agent_id, version_id, action: 'withdrawn', actor_id })
    const withdrawn = auditPart({
      actor_id,
      action: 'agent.withdraw',
      object_type: 'agent_version',
      object_id: version_id,
    })
    await tx.query(compose([review, withdrawn], 'select 1'))
  })
  return requireRelease(db, version_id)
}

async function lockOwnAgent(tx: Queryable, actor: Actor, agent_id: string): Promise<AgentOwnership> {
  const agent = await lockAgent(tx, agent_id)
  if (!agent) throw userError('agent/not-found')
  if (agent.developer_id !== actor.user_id) throw userError('agent/not-yours')
  return agent
}

/** The draft, if it is still the one that the developer saw. */
async function lockSeenDraft(tx: Queryable, { agent_id, revision }: Submission): Promise<AgentDraftRow> {
  const draft = await lockDraft(tx, agent_id)
  if (!draft) throw userError('agent/not-found')
  if (draft.revision !== revision) throw userError('agent/draft-conflict', { revision: draft.revision })
  const count = draft.conflicts.length
  if (count > 0) throw userError('agent/open-conflicts', { count })
  return draft
}

/** Versions only rise, and one submission is open at a time. */
async function refuseOccupiedVersion(tx: Queryable, { agent_id, version }: Submission): Promise<void> {
  const releases = await releasesOf(tx, agent_id)
  if (releases.some((release) => release.state === 'submitted')) throw userError('agent/already-submitted')
  if (releases.some((release) => compareVersions(release.version, version) >= 0)) {
    throw userError('row/exists', { table: 'agent_versions', version })
  }
}

async function requireRelease(db: Queryable, version_id: string): Promise<VersionEntry> {
  const entry = await releaseById(db, version_id)
  if (!entry) throw userError('agent/not-found')
  return entry
}

/** Order of `major.minor.patch` texts. */
function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
