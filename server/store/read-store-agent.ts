import { userError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { ratingsOf, scoreCounts } from './rating.repository.ts'
import { approvedVersions, standingOf, storeAgentBySlug } from './store.repository.ts'

const SCORES = [1, 2, 3, 4, 5]

/** A published agent's page: what it may touch, its versions and ratings, and whether this person may rate it. */
export async function readStoreAgent(db: Database, { user_id }: Actor, slug: string) {
  const agent = await storeAgentBySlug(db, user_id, slug)
  if (!agent) throw userError('store/not-published')
  const versions = await approvedVersions(db, agent.id)
  const ratings = await ratingsOf(db, agent.id, user_id)
  const counts = await scoreCounts(db, agent.id)
  const current = versions.find((version) => version.is_current)
  return {
    agent,
    manifest: current?.manifest ?? {},
    changelog: current?.changelog ?? null,
    versions: versions.map(({ version, changelog, published_at }) => ({ version, changelog, published_at })),
    ratings,
    histogram: SCORES.map((score) => counts.find((entry) => entry.score === score)?.count ?? 0),
    ...(await standingOf(db, user_id, agent.id)),
  }
}
