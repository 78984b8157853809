import * as api from '../../shared/store/api.ts'
import type { Database } from '../kernel/db.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { installAgent } from './install-agent.ts'
import { rateAgent } from './rate-agent.ts'
import { readStoreAgent } from './read-store-agent.ts'
import { categories, searchStore } from './store.repository.ts'

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
  serve(router, context, api.getStoreAgent)(({ actor, params }) => readStoreAgent(db, actor, params.slug))
  serve(
    router,
    context,
    api.installAgent,
  )(async ({ actor, params }) => ({ install: await installAgent(db, actor, params.agent_id) }))
  serve(router, context, api.rateAgent)(({ actor, params, body }) => rateAgent(db, actor, params.agent_id, body))

  return router
}
