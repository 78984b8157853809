import type { ReviewEntry } from '../../shared/agent/api.ts'
import { listing as listingSchema, type Manifest } from '../../shared/agent/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import { newId } from '../../shared/kernel/id.ts'
import { searchTerms } from '../../shared/kernel/search-text.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database, Queryable } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose, prepared, type Part } from '../kernel/statement.ts'
import { issueOf } from '../kernel/validate.ts'
import { lastApproved, lockAgent, releaseById, reviewedVersion } from './version.repository.ts'

interface ReviewRow extends Record<string, unknown> {
  version_id: string
  agent_id: string
  agent_name: string
  icon: string | null
  version: string
  developer_id: string
  developer_name: string
  state: ReviewEntry['state']
  submitted_at: string
  decided_at: string | null
}

const SELECT = `select v.id as version_id, v.agent_id, coalesce(v.manifest ->> 'name', a.name) as agent_name,
    v.manifest ->> 'icon' as icon, v.version, a.developer_id, u.name as developer_name,
    agent_version_state(v.id) as state, v.created_at as submitted_at,
    (select max(created_at) from agent_reviews r where r.agent_version_id = v.id and r.action <> 'submitted') as decided_at
  from agent_versions v join agents a on a.id = v.agent_id join users u on u.id = a.developer_id`

function present(row: ReviewRow, actor: Actor): ReviewEntry {
  const { developer_id, developer_name, ...rest } = row
  return { ...rest, developer: { id: developer_id, name: developer_name }, own: developer_id === actor.user_id }
}

export async function listReviews(db: Database, actor: Actor, state: 'open' | 'decided'): Promise<ReviewEntry[]> {
  const rows = await db.query<ReviewRow>(
    prepared(
      `select * from (${SELECT} where v.kind = 'release') q where (q.state = 'submitted') = $1
       order by case when $1 then q.submitted_at end, q.decided_at desc nulls last limit 200`,
      [state === 'open'],
    ),
  )
  return rows.map((row) => present(row, actor))
}

async function entryOf(db: Queryable, actor: Actor, version_id: string): Promise<ReviewEntry> {
  const [row] = await db.query<ReviewRow>(prepared(`${SELECT} where v.id = $1 and v.kind = 'release'`, [version_id]))
  if (!row) throw userError('row/not-found', { table: 'agent_versions' })
  return present(row, actor)
}

/** Everything a decision needs: the version, the last approved one, and what happened before. */
export async function readReview(db: Database, actor: Actor, version_id: string) {
  const entry = await entryOf(db, actor, version_id)
  const submitted = await reviewedVersion(db, version_id)
  if (!submitted) throw userError('row/not-found', { table: 'agent_versions' })
  const release = await releaseById(db, version_id)
  const history = await db.query<{
    action: ReviewEntry['state']
    actor: string
    reason: string | null
    at: string
    version: string
  }>(
    prepared(
      `select r.action, u.name as actor, r.reason, r.created_at as at, v.version
       from agent_reviews r join users u on u.id = r.actor_id join agent_versions v on v.id = r.agent_version_id
       where r.agent_id = $1 order by r.created_at desc, r.id desc limit 100`,
      [entry.agent_id],
    ),
  )
  const approved = await lastApproved(db, entry.agent_id, version_id)
  return { entry, changelog: release?.changelog ?? null, submitted, approved: approved ?? null, history }
}

/**
 * Approves, which publishes the version as the agent's current one with the listing that was reviewed, or rejects
 * with a reason. Nobody decides about an agent of their own, whatever their role.
 */
export async function decideReview(
  db: Database,
  actor: Actor,
  version_id: string,
  decision: { decision: 'approve' | 'reject'; reason: string },
): Promise<ReviewEntry> {
  const reason = decision.reason.trim()
  if (decision.decision === 'reject' && reason === '') throw userError('review/reason-required')
  await db.transaction(async (tx) => {
    const release = await releaseById(tx, version_id)
    if (!release) throw userError('row/not-found', { table: 'agent_versions' })
    const agent = await lockAgent(tx, release.agent_id)
    if (!agent || agent.deleted_at !== null) throw userError('agent/not-found')
    if (agent.developer_id === actor.user_id) throw userError('review/own-agent')
    const fresh = await releaseById(tx, version_id)
    if (fresh?.state !== 'submitted') throw userError('review/decided', { state: fresh?.state ?? null })
    const reviewed = await reviewedVersion(tx, version_id)
    const approves = decision.decision === 'approve'
    await tx.query(
      compose(
        [
          {
            name: 'review',
            sql: `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id, reason)
              values ($1::uuid, $2::uuid, $3::uuid, $4::varchar, $5::uuid, $6::text)`,
            values: [
              newId(),
              release.agent_id,
              version_id,
              approves ? 'approved' : 'rejected',
              actor.user_id,
              reason || null,
            ],
          },
          auditPart({
            actor_id: actor.user_id,
            action: approves ? 'review.approve' : 'review.reject',
            object_type: 'agent_version',
            object_id: version_id,
            params: { agent_id: release.agent_id, version: release.version },
          }),
        ],
        'select 1',
      ),
    )
    if (approves) await publish(tx, release.agent_id, version_id, reviewed?.manifest ?? {})
  })
  return entryOf(db, actor, version_id)
}

/**
 * Makes an approved version current and shows the listing it was reviewed with. The old current version steps back in
 * a statement of its own, because the unique index is checked row by row.
 */
export async function publish(tx: Queryable, agent_id: string, version_id: string, manifest: Manifest): Promise<void> {
  await tx.query(
    prepared('update agent_versions set is_current = false where agent_id = $1 and is_current', [agent_id]),
  )
  await tx.query(compose([currentPart(version_id), listingPart(agent_id, manifest)], 'select 1'))
}

function currentPart(version_id: string): Part {
  return {
    name: 'current',
    sql: 'update agent_versions set is_current = true where id = $1::uuid',
    values: [version_id],
  }
}

function listingPart(agent_id: string, manifest: Manifest): Part {
  const listing = manifest.listing && !issueOf(listingSchema, manifest.listing) ? manifest.listing : {}
  const words = [
    manifest.name,
    manifest.description,
    ...(manifest.tags ?? []),
    ...[listing.zh, listing.en].flatMap((text) => [text?.name, text?.tagline, text?.description]),
  ]
  const terms = searchTerms(words.filter(Boolean).join(' ')).slice(0, 5000)
  return {
    name: 'listed',
    sql: `update agents set status = 'published', published_at = coalesce(published_at, now()), name = coalesce($2::varchar, name),
        description = coalesce($3::text, description), icon = $4::varchar,
        category_id = (select id from agent_categories where id = $5::uuid), tags = $6::text[], listing = $7::jsonb,
        search = array_to_tsvector($8::text[]), updated_at = now()
      where id = $1::uuid`,
    values: [
      agent_id,
      manifest.name ?? null,
      manifest.description ?? null,
      manifest.icon ?? null,
      manifest.category_id ?? null,
      manifest.tags ?? [],
      JSON.stringify(listing),
      terms,
    ],
  }
}

/** Opens, or finds, the reviewer's sandboxed chat with the version under review. */
export async function tryReview(db: Database, actor: Actor, version_id: string): Promise<{ chat_id: string }> {
  const entry = await entryOf(db, actor, version_id)
  if (entry.own) throw userError('review/own-agent')
  const [existing] = await db.query<{ id: string }>(
    prepared(
      "select id from chats where user_id = $1 and agent_version_id = $2 and source = 'review' and status = 'active' limit 1",
      [actor.user_id, version_id],
    ),
  )
  if (existing) return { chat_id: existing.id }
  const chat_id = newId()
  await db.query(
    compose(
      [
        {
          name: 'chat',
          sql: `insert into chats (id, user_id, agent_id, agent_version_id, title, source, expires_at)
            values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::varchar, 'review', now() + interval '30 days')`,
          values: [
            chat_id,
            actor.user_id,
            entry.agent_id,
            version_id,
            `${entry.agent_name} ${entry.version}`.slice(0, 255),
          ],
        },
        auditPart({
          actor_id: actor.user_id,
          action: 'review.try',
          object_type: 'agent_version',
          object_id: version_id,
          params: { chat_id },
        }),
      ],
      'select 1',
    ),
  )
  return { chat_id }
}
