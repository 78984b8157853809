import { newId } from '../../shared/kernel/id.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared, type Part } from '../kernel/statement.ts'

/** Who may rate: what must be known of a published agent and the person. */
export interface Ratable extends Record<string, unknown> {
  developer_id: string
  used: boolean
}

/** A published agent, locked, so that its average follows one rating after the other. */
export async function lockRatable(tx: Queryable, agent_id: string, user_id: string): Promise<Ratable | undefined> {
  const [agent] = await tx.query<Ratable>(
    prepared(
      `select developer_id, exists (select 1 from agent_usages where agent_id = a.id and user_id = $2) as used
       from agents a where id = $1 and status = 'published' and deleted_at is null for update`,
      [agent_id, user_id],
    ),
  )
  return agent
}

/** `rating`: the person's one rating of the agent, new or replaced. */
export function ratingPart(rating: { user_id: string; agent_id: string; score: number; comment: string | null }): Part {
  return {
    name: 'rating',
    sql: `insert into agent_ratings (id, user_id, agent_id, score, comment) values ($1::uuid, $2::uuid, $3::uuid, $4::int, $5::text)
      on conflict (user_id, agent_id) do update set score = excluded.score, comment = excluded.comment, updated_at = now()`,
    values: [newId(), rating.user_id, rating.agent_id, rating.score, rating.comment],
  }
}

export interface RatingSummary extends Record<string, unknown> {
  average_rating: number | null
  rating_count: number
}

/** Counts the agent's ratings again, into its row. */
export async function summariseRatings(tx: Queryable, agent_id: string): Promise<RatingSummary> {
  const [row] = await tx.query<RatingSummary>(
    prepared(
      `update agents set (average_rating, rating_count) =
         (select round(avg(score), 2), count(*)::int from agent_ratings where agent_id = $1)
       where id = $1 returning average_rating, rating_count`,
      [agent_id],
    ),
  )
  return row ?? { average_rating: null, rating_count: 0 }
}

export interface RatingEntry extends Record<string, unknown> {
  user_name: string
  score: number
  comment: string | null
  updated_at: string
  own: boolean
}

/** Ratings of an agent, the person's own first, then the latest; at most 50. */
export function ratingsOf(db: Queryable, agent_id: string, user_id: string): Promise<RatingEntry[]> {
  return db.query<RatingEntry>(
    prepared(
      `select u.name as user_name, r.score, r.comment, r.updated_at, r.user_id = $2 as own
       from agent_ratings r join users u on u.id = r.user_id where r.agent_id = $1
       order by r.user_id = $2 desc, r.updated_at desc limit 50`,
      [agent_id, user_id],
    ),
  )
}

/** How many ratings an agent has of each score that it was given. */
export function scoreCounts(db: Queryable, agent_id: string): Promise<{ score: number; count: number }[]> {
  return db.query(
    prepared('select score, count(*)::int as count from agent_ratings where agent_id = $1 group by score', [agent_id]),
  )
}
