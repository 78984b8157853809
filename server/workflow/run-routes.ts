import * as api from '../../shared/workflow/api.ts'
import type { EXECUTION_STATUS } from '../../shared/workflow/rows.ts'
import { userError } from '../../shared/kernel/errors.ts'
import type { ModelProviders } from '../config/index.ts'
import type { Database } from '../kernel/db.ts'
import { createRouter, serve, type Router, type ServeContext } from '../kernel/serve.ts'
import { prepared } from '../kernel/statement.ts'

interface RunRow extends Record<string, unknown> {
  execution_id: string
  chat_id: string
  status: (typeof EXECUTION_STATUS)[number]
  attempt: number
  error_info: { code: string; params?: Record<string, unknown> } | null
  started_at: string | null
  completed_at: string | null
  tokens_prompt: number | null
  tokens_completion: number | null
  cost_estimate: number | null
  /** The reader made the agent, and may see inside its nodes. */
  own_agent: boolean
}

interface NodeRow extends Record<string, unknown> {
  node_name: string
  status: 'running' | 'completed' | 'failed' | 'skipped'
  started_at: string
  duration_ms: number | null
  retry_count: number
  tokens_consumed: number | null
  error_message: string | null
  input_state?: unknown
  output_state?: unknown
}

/** Reading of one's own runs, and of the models that agents may name. */
export function runRoutes(context: ServeContext, { db, models }: { db: Database; models: ModelProviders }): Router {
  const router = createRouter()

  serve(
    router,
    context,
    api.getRun,
  )(async ({ actor, params }) => {
    const [run] = await db.query<RunRow>(
      prepared(
        `select e.execution_id, e.chat_id, e.status, e.attempt, e.error_info, e.started_at, e.completed_at, e.tokens_prompt,
           e.tokens_completion, e.cost_estimate, a.developer_id = e.user_id as own_agent
         from workflow_executions e join agent_versions v on v.id = e.agent_version_id join agents a on a.id = v.agent_id
         where e.execution_id = $1 and e.user_id = $2`,
        [params.execution_id, actor.user_id],
      ),
    )
    if (!run) throw userError('run/not-found')
    const nodes = await db.query<NodeRow>(
      prepared(
        `select node_name, status, started_at, duration_ms, retry_count, tokens_consumed, error_message, input_state, output_state
         from workflow_node_executions where execution_id = $1 order by started_at, id`,
        [params.execution_id],
      ),
    )
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
