import type { ReviewEntry } from '../../shared/agent/api.ts'
import type { REVIEW_ACTION } from '../../shared/agent/rows.ts'
import { newId } from '../../shared/kernel/id.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** A release under review, or reviewed. */
export interface ReviewRow extends Record<string, unknown> {
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

const REVIEWS = `select v.id as version_id, v.agent_id, coalesce(v.manifest ->> 'name', a.name) as agent_name,
    v.manifest ->> 'icon' as icon, v.version, a.developer_id, u.name as developer_name,
    agent_version_state(v.id) as state, v.created_at as submitted_at,
    (select max(created_at) from agent_reviews r where r.agent_version_id = v.id and r.action <> 'submitted') as decided_at
  from agent_versions v join agents a on a.id = v.agent_id join users u on u.id = a.developer_id`

/** Open reviews, the longest waiting first; or decided ones, the last decided first. At most 200. */
export function findReviews(db: Queryable, state: 'open' | 'decided'): Promise<ReviewRow[]> {
  return db.query<ReviewRow>(
    prepared(
      `select * from (${REVIEWS} where v.kind = 'release') q where (q.state = 'submitted') = $1
       order by case when $1 then q.submitted_at end, q.decided_at desc nulls last limit 200`,
      [state === 'open'],
    ),
  )
}

export async function reviewOf(db: Queryable, version_id: string): Promise<ReviewRow | undefined> {
  const [row] = await db.query<ReviewRow>(prepared(`${REVIEWS} where v.id = $1 and v.kind = 'release'`, [version_id]))
  return row
}

export interface ReviewEvent extends Record<string, unknown> {
  action: ReviewEntry['state']
  actor: string
  reason: string | null
  at: string
  version: string
}

/** What happened to all versions of an agent, the last first; at most 100. */
export function reviewHistory(db: Queryable, agent_id: string): Promise<ReviewEvent[]> {
  return db.query<ReviewEvent>(
    prepared(
      `select r.action, u.name as actor, r.reason, r.created_at as at, v.version
       from agent_reviews r join users u on u.id = r.actor_id join agent_versions v on v.id = r.agent_version_id
       where r.agent_id = $1 order by r.created_at desc, r.id desc limit 100`,
      [agent_id],
    ),
  )
}

export interface ReviewAction {
  agent_id: string
  version_id: string
  action: (typeof REVIEW_ACTION)[number]
  actor_id: string
  reason?: string | null | undefined
}

/** `review`: one more line of the append-only record. */
export function reviewPart({ agent_id, version_id, action, actor_id, reason }: ReviewAction): Part {
  return {
    name: 'review',
    sql: `insert into agent_reviews (id, agent_id, agent_version_id, action, actor_id, reason)
      values ($1::uuid, $2::uuid, $3::uuid, $4::varchar, $5::uuid, $6::text)`,
    values: [newId(), agent_id, version_id, action, actor_id, reason ?? null],
  }
}

/** The reviewer's open chat with a version under review. */
export async function reviewChatOf(db: Queryable, user_id: string, version_id: string): Promise<string | undefined> {
  const [chat] = await db.query<{ id: string }>(
    prepared(
      "select id from chats where user_id = $1 and agent_version_id = $2 and source = 'review' and status = 'active' limit 1",
      [user_id, version_id],
    ),
  )
  return chat?.id
}

/** `chat`: a sandboxed chat for a review, which expires after 30 days. */
export function reviewChatPart(chat: {
  id: string
  user_id: string
  agent_id: string
  version_id: string
  title: string
}): Part {
  return {
    name: 'chat',
    sql: `insert into chats (id, user_id, agent_id, agent_version_id, title, source, expires_at)
      values ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::varchar, 'review', now() + interval '30 days')`,
    values: [chat.id, chat.user_id, chat.agent_id, chat.version_id, chat.title.slice(0, 255)],
  }
}
