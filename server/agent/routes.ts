import * as api from '../../shared/agent/api.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { developsAgent } from './agent.repository.ts'
import { decideReview, listReviews, readReview, tryReview } from './review.ts'
import { submitAgent, withdrawVersion } from './submit-agent.ts'
import { releasesOf } from './version.repository.ts'

export function agentRoutes(context: ServeContext, { db }: { db: Database }): Router {
  const router = createRouter()

  serve(router, context, api.submitAgent)(({ actor, params, body }) => submitAgent(db, actor, { ...params, ...body }))
  serve(
    router,
    context,
    api.listVersions,
  )(async ({ actor, params }) => {
    if (!(await developsAgent(db, actor.user_id, params.agent_id))) throw userError('agent/not-found')
    return { versions: await releasesOf(db, params.agent_id) }
  })
  serve(
    router,
    context,
    api.withdrawVersion,
  )(({ actor, params }) => withdrawVersion(db, actor, params.agent_id, params.version_id))

  serve(
    router,
    context,
    api.listReviews,
  )(async ({ actor, query }) => ({
    reviews: await listReviews(db, actor, query.state ?? 'open'),
  }))
  serve(router, context, api.getReview)(({ actor, params }) => readReview(db, actor, params.version_id))
  serve(
    router,
    context,
    api.decideReview,
  )(({ actor, params, body }) => decideReview(db, actor, params.version_id, body))
  serve(router, context, api.tryReview)(({ actor, params }) => tryReview(db, actor, params.version_id))

  return router
}
