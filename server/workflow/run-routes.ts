import * as api from '../../shared/workflow/api.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { ModelProviders } from '../config/index.ts'
import type { Database } from '../kernel/db.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { nodesOf, runOf, type NodeRow } from './run.repository.ts'

/** Reading of one's own runs, and of the models that agents may name. */
export function runRoutes(context: ServeContext, { db, models }: { db: Database; models: ModelProviders }): Router {
  const router = createRouter()

  serve(
    router,
    context,
    api.getRun,
  )(async ({ actor, params }) => {
    const run = await runOf(db, params.execution_id, actor.user_id)
    if (!run) throw userError('run/not-found')
    const nodes = await nodesOf(db, params.execution_id)
    const { error_info, own_agent, ...rest } = run
    return { ...rest, error: error_info, nodes: nodes.map((node) => presentNode(node, own_agent)) }
  })

  serve(
    router,
    context,
    api.listModels,
  )(async () => {
    const provider = models.current()
    const names = await provider.list().catch(() => [])
    return { models: names, default_model: provider.default_model, kind: provider.kind }
  })

  return router
}

/** States of a node hold prompts and templates: they are for the agent's developer only. */
function presentNode(node: NodeRow, own_agent: boolean): NodeRow {
  const { input_state, output_state, ...open } = node
  return own_agent ? { ...open, input_state, output_state } : open
}
