import * as api from '../../shared/agent/api.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { Database } from '../kernel/db.ts'
import type { Actor } from '../kernel/request.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { developsAgent } from './agent.repository.ts'
import { decideReview, listReviews, readReview, tryReview } from './review.ts'
import { submitAgent, withdrawVersion } from './submit-agent.ts'
import { revisionContent, revisionsOf } from './revision.repository.ts'
import { releasesOf } from './version.repository.ts'

export function agentRoutes(context: ServeContext, { db }: { db: Database }): Router {
  const router = createRouter()

  serve(router, context, api.submitAgent)(({ actor, params, body }) => submitAgent(db, actor, { ...params, ...body }))
  serve(
    router,
    context,
    api.listVersions,
  )(async ({ actor, params }) => {
    await requireOwn(db, actor, params.agent_id)
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
    api.listRevisions,
  )(async ({ actor, params: { agent_id } }) => {
    await requireOwn(db, actor, agent_id)
    return { revisions: await revisionsOf(db, agent_id) }
  })
  serve(
    router,
    context,
    api.getRevision,
  )(async ({ actor, params: { agent_id, revision } }) => {
    await requireOwn(db, actor, agent_id)
    const content = await revisionContent(db, agent_id, Number(revision))
    if (!content) throw userError('row/not-found', { table: 'agent_draft_revisions' })
    return { content }
  })

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

async function requireOwn(db: Database, actor: Actor, agent_id: string): Promise<void> {
  if (!(await developsAgent(db, actor.user_id, agent_id))) throw userError('agent/not-found')
}
