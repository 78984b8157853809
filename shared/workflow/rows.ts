import { Type, type Static } from 'typebox'
import { column } from '../kernel/column.ts'

export const EXECUTION_STATUS = [
  'queued',
  'running',
  'completed',
  'failed',
  'paused',
  'interrupted',
  'cancelled',
] as const
export const TASK_STATUS = ['pending', 'in_progress', 'completed', 'cancelled'] as const

/** The columns of a run that its owner's replica holds; inputs and outputs of nodes are read on demand. */
export const workflowExecutionRow = Type.Object({
  execution_id: column.uuid(),
  chat_id: column.uuid(),
  message_id: column.uuid(),
  answer_message_id: column.uuid(),
  agent_version_id: column.uuid(),
  user_id: column.uuid(),
  status: column.oneOf(20, EXECUTION_STATUS),
  current_node: column.nullable(column.varchar(128)),
  error_info: column.nullable(column.json()),
  total_nodes: column.int(),
  completed_nodes: column.int(),
  failed_nodes: column.int(),
  attempt: column.int(),
  tokens_prompt: column.nullable(column.int()),
  tokens_completion: column.nullable(column.int()),
  cost_estimate: column.nullable(column.numeric(10, 6)),
  started_at: column.nullable(column.timestamptz()),
  completed_at: column.nullable(column.timestamptz()),
  paused_at: column.nullable(column.timestamptz()),
  created_at: column.timestamptz(),
})
export type WorkflowExecutionRow = Static<typeof workflowExecutionRow>

export const humanTaskRow = Type.Object({
  task_id: column.uuid(),
  execution_id: column.uuid(),
  node_name: column.varchar(128),
  instruction: column.nullable(column.text()),
  required_input_schema: column.nullable(column.json()),
  status: column.oneOf(20, TASK_STATUS),
  assigned_to: column.nullable(column.varchar(128)),
  human_input: column.nullable(column.json()),
  completion_note: column.nullable(column.text()),
  created_at: column.timestamptz(),
  assigned_at: column.nullable(column.timestamptz()),
  completed_at: column.nullable(column.timestamptz()),
  priority: column.int(),
  due_at: column.nullable(column.timestamptz()),
  user_id: column.uuid(),
})
export type HumanTaskRow = Static<typeof humanTaskRow>
