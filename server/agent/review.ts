import type { ReviewEntry } from '../../shared/agent/api.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database, Queryable } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose } from '../kernel/statement.ts'
import { lockAgent } from './agent.repository.ts'
import { publish } from './publish.ts'
import {
  findReviews,
  reviewChatOf,
  reviewChatPart,
  reviewHistory,
  reviewOf,
  reviewPart,
  type ReviewRow,
} from './review.repository.ts'
import { lastApproved, releaseById, reviewedVersion, type VersionRow } from './version.repository.ts'

export async function listReviews(db: Database, actor: Actor, state: 'open' | 'decided'): Promise<ReviewEntry[]> {
  const rows = await findReviews(db, state)
  return rows.map((row) => present(row, actor))
}

/** Everything a decision needs: the version, the last approved one, and what happened before. */
export async function readReview(db: Database, actor: Actor, version_id: string) {
  const entry = await requireEntry(db, actor, version_id)
  const submitted = await reviewedVersion(db, version_id)
  if (!submitted) throw userError('row/not-found', { table: 'agent_versions' })
  const release = await releaseById(db, version_id)
  const history = await reviewHistory(db, entry.agent_id)
  const approved = await lastApproved(db, entry.agent_id, version_id)
  return { entry, changelog: release?.changelog ?? null, submitted, approved: approved ?? null, history }
}

export interface Decision {
  decision: 'approve' | 'reject'
  reason: string
}

/**
 * Approves, which publishes the version as the agent's current one with the listing that was reviewed, or rejects
 * with a reason. Nobody decides about an agent of their own, whatever their role.
 */
export async function decideReview(
  db: Database,
  actor: Actor,
  version_id: string,
  { decision, reason }: Decision,
): Promise<ReviewEntry> {
  const approves = decision === 'approve'
  const words = reason.trim()
  if (!approves && words === '') throw userError('review/reason-required')
  await db.transaction(async (tx) => {
    const { agent_id, version } = await lockSubmission(tx, actor, version_id)
    const reviewed = await reviewedVersion(tx, version_id)
    const decided = auditPart({
      actor_id: actor.user_id,
      action: approves ? 'review.approve' : 'review.reject',
      object_type: 'agent_version',
      object_id: version_id,
      params: { agent_id, version },
    })
    const action = approves ? 'approved' : 'rejected'
    const review = reviewPart({ agent_id, version_id, action, actor_id: actor.user_id, reason: words || null })
    await tx.query(compose([review, decided], 'select 1'))
    if (approves) await publish(tx, agent_id, version_id, reviewed?.manifest ?? {})
  })
  return requireEntry(db, actor, version_id)
}

/** Opens, or finds, the reviewer's sandboxed chat with the version under review. */
export async function tryReview(db: Database, actor: Actor, version_id: string): Promise<{ chat_id: string }> {
  const entry = await requireEntry(db, actor, version_id)
  if (entry.own) throw userError('review/own-agent')
  const existing = await reviewChatOf(db, actor.user_id, version_id)
  if (existing !== undefined) return { chat_id: existing }
  const chat_id = newId()
  const title = `${entry.agent_name} ${entry.version}`
  const chat = reviewChatPart({ id: chat_id, user_id: actor.user_id, agent_id: entry.agent_id, version_id, title })
  const tried = auditPart({
    actor_id: actor.user_id,
    action: 'review.try',
    object_type: 'agent_version',
    object_id: version_id,
    params: { chat_id },
  })
  await db.query(compose([chat, tried], 'select 1'))
  return { chat_id }
}

/** The open submission, its agent locked; refused when this person may not decide about it, or somebody has. */
async function lockSubmission(tx: Queryable, actor: Actor, version_id: string): Promise<VersionRow> {
  const release = await releaseById(tx, version_id)
  if (!release) throw userError('row/not-found', { table: 'agent_versions' })
  const agent = await lockAgent(tx, release.agent_id)
  if (!agent || agent.deleted_at !== null) throw userError('agent/not-found')
  if (agent.developer_id === actor.user_id) throw userError('review/own-agent')
  // Read again: another decision may have come between the first look and the lock.
  const fresh = await releaseById(tx, version_id)
  if (fresh?.state !== 'submitted') throw userError('review/decided', { state: fresh?.state ?? null })
  return fresh
}

async function requireEntry(db: Queryable, actor: Actor, version_id: string): Promise<ReviewEntry> {
  const row = await reviewOf(db, version_id)
  if (!row) throw userError('row/not-found', { table: 'agent_versions' })
  return present(row, actor)
}

function present({ developer_id, developer_name, ...row }: ReviewRow, actor: Actor): ReviewEntry {
  return { ...row, developer: { id: developer_id, name: developer_name }, own: developer_id === actor.user_id }
}
