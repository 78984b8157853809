import type { EXECUTION_STATUS } from '../../shared/workflow/rows.ts'
import type { Queryable } from '../kernel/db.ts'
import { prepared } from '../kernel/statement.ts'
import type { RunTarget } from './ports.ts'

export interface RunRow extends Record<string, unknown> {
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

export interface NodeRow extends Record<string, unknown> {
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

/** A person's run. */
export async function runOf(db: Queryable, execution_id: string, user_id: string): Promise<RunRow | undefined> {
  const [run] = await db.query<RunRow>(
    prepared(
      `select e.execution_id, e.chat_id, e.status, e.attempt, e.error_info, e.started_at, e.completed_at, e.tokens_prompt,
         e.tokens_completion, e.cost_estimate, a.developer_id = e.user_id as own_agent
       from workflow_executions e join agent_versions v on v.id = e.agent_version_id join agents a on a.id = v.agent_id
       where e.execution_id = $1 and e.user_id = $2`,
      [execution_id, user_id],
    ),
  )
  return run
}

/** What its nodes did, in order. */
export function nodesOf(db: Queryable, execution_id: string): Promise<NodeRow[]> {
  return db.query<NodeRow>(
    prepared(
      `select node_name, status, started_at, duration_ms, retry_count, tokens_consumed, error_message, input_state, output_state
       from workflow_node_executions where execution_id = $1 order by started_at, id`,
      [execution_id],
    ),
  )
}

/** Where the ends of runs go, from their own table: it can be read when what they work on cannot. */
export function runTargets(db: Queryable, execution_ids: readonly string[]): Promise<RunTarget[]> {
  return db.query<RunTarget & Record<string, unknown>>(
    prepared(
      `select execution_id, chat_id, user_id, answer_message_id, hidden from workflow_executions
       where execution_id = any($1::uuid[])`,
      [[...execution_ids]],
    ),
  )
}
