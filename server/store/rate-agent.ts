import { userError } from '../../shared/kernel/errors.ts'
import { auditPart } from '../kernel/audit-log.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { compose } from '../kernel/statement.ts'
import { lockRatable, ratingPart, summariseRatings, type RatingSummary } from './rating.repository.ts'

/** One rating a person and agent, after use; the agent's average follows in the same transaction. */
export async function rateAgent(
  db: Database,
  { user_id }: Actor,
  agent_id: string,
  { score, comment }: { score: number; comment?: string | undefined },
): Promise<RatingSummary> {
  return db.transaction(async (tx) => {
    const agent = await lockRatable(tx, agent_id, user_id)
    if (!agent) throw userError('store/not-published')
    if (!agent.used || agent.developer_id === user_id) throw userError('store/rate-after-use')
    const rated = auditPart({
      actor_id: user_id,
      action: 'store.rate',
      object_type: 'agent',
      object_id: agent_id,
      params: { score },
    })
    const rating = ratingPart({ user_id, agent_id, score, comment: comment?.trim() || null })
    await tx.query(compose([rating, rated], 'select 1'))
    return summariseRatings(tx, agent_id)
  })
}
