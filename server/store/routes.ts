import type { Manifest } from '../../shared/agent/rows.ts'
import * as api from '../../shared/store/api.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { prepared } from '../kernel/statement.ts'
import { installAgent, rateAgent } from './install-agent.ts'
import { categories, searchStore, storeAgentBySlug } from './store.repository.ts'

export function storeRoutes(context: ServeContext, { db }: { db: Database }): Router {
  const router = createRouter()

  serve(router, context, api.listCategories)(async () => ({ categories: await categories(db) }))
  serve(
    router,
    context,
    api.searchStore,
  )(({ actor, query }) =>
    searchStore(db, actor.user_id, {
      q: query.q,
      category: query.category,
      sort: query.sort ?? 'popular',
      offset: Number(query.offset ?? 0),
    }),
  )
  serve(
    router,
    context,
    api.getStoreAgent,
  )(async ({ actor, params }) => {
    const agent = await storeAgentBySlug(db, actor.user_id, params.slug)
    if (!agent) throw userError('store/not-published')
    return { agent, ...(await details(db, actor.user_id, agent.id)) }
  })
  serve(
    router,
    context,
    api.installAgent,
  )(async ({ actor, params }) => ({ install: await installAgent(db, actor, params.agent_id) }))
  serve(router, context, api.rateAgent)(({ actor, params, body }) => rateAgent(db, actor, params.agent_id, body))

  return router
}

async function details(db: Database, user_id: string, agent_id: string) {
  const versions = await db.query<{
    version: string
    changelog: string | null
    published_at: string
    manifest: Manifest
    is_current: boolean
  }>(
    prepared(
      `select v.version, v.changelog, r.created_at as published_at, v.manifest, v.is_current
       from agent_versions v join agent_reviews r on r.agent_version_id = v.id and r.action = 'approved'
       where v.agent_id = $1 and v.kind = 'release' order by r.created_at desc limit 50`,
      [agent_id],
    ),
  )
  const ratings = await db.query<{
    user_name: string
    score: number
    comment: string | null
    updated_at: string
    own: boolean
  }>(
    prepared(
      `select u.name as user_name, r.score, r.comment, r.updated_at, r.user_id = $2 as own
       from agent_ratings r join users u on u.id = r.user_id where r.agent_id = $1
       order by r.user_id = $2 desc, r.updated_at desc limit 50`,
      [agent_id, user_id],
    ),
  )
  const counts = await db.query<{ score: number; count: number }>(
    prepared('select score, count(*)::int as count from agent_ratings where agent_id = $1 group by score', [agent_id]),
  )
  const [usage] = await db.query(
    prepared('select 1 from agent_usages where agent_id = $1 and user_id = $2', [agent_id, user_id]),
  )
  const current = versions.find((version) => version.is_current)
  return {
    manifest: current?.manifest ?? {},
    changelog: current?.changelog ?? null,
    versions: versions.map(({ version, changelog, published_at }) => ({ version, changelog, published_at })),
    ratings,
    histogram: [1, 2, 3, 4, 5].map((score) => counts.find((entry) => entry.score === score)?.count ?? 0),
    used: usage !== undefined,
  }
}
