import { Type, type Static } from 'typebox'
import { dictionary } from '../kernel/shapes.ts'

/**
 * The workflow of an agent as JSON: what the editor edits, `agent_versions.workflow_definition` stores and the
 * engine compiles. Field names are the requirement's.
 */
export const retryPolicy = Type.Object({
  max_retries: Type.Integer({ minimum: 0, maximum: 10 }),
  /** First pause in seconds; doubles each time. */
  backoff_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 300 })),
})

export const workflowNode = Type.Object({
  /** Name within the workflow; edges and state refer to it. */
  node_name: Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_-]{0,127}$' }),
  /** `node_types.type_name`. */
  node_type: Type.String({ maxLength: 100 }),
  /** What people see; the name when absent. */
  label: Type.Optional(Type.String({ maxLength: 100 })),
  node_config: dictionary(Type.Unknown()),
  position_config: Type.Optional(Type.Object({ x: Type.Number(), y: Type.Number() })),
})
export type WorkflowNode = Static<typeof workflowNode>

export const workflowEdge = Type.Object({
  from_node: Type.String({ maxLength: 128 }),
  /** Null on a conditional edge whose mapping names the targets. */
  to_node: Type.Union([Type.String({ maxLength: 128 }), Type.Null()]),
  edge_type: Type.Union([Type.Literal('normal'), Type.Literal('conditional'), Type.Literal('fanout')]),
  /** CEL expression over the state; its text value selects a target in `condition_mapping`. */
  condition_function: Type.Optional(Type.Union([Type.String({ maxLength: 2048 }), Type.Null()])),
  /** Value → node name; `default` is required. */
  condition_mapping: Type.Optional(Type.Union([dictionary(Type.String()), Type.Null()])),
  execution_order: Type.Optional(Type.Integer()),
  timeout_seconds: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 86_400 }), Type.Null()])),
  retry_policy: Type.Optional(Type.Union([retryPolicy, Type.Null()])),
})
export type WorkflowEdge = Static<typeof workflowEdge>

export const workflowDefinition = Type.Object({
  version: Type.Literal(1),
  nodes: Type.Array(workflowNode, { minItems: 1, maxItems: 200 }),
  edges: Type.Array(workflowEdge, { maxItems: 1000 }),
})
export type WorkflowDefinition = Static<typeof workflowDefinition>

/** A prompt-only agent as a workflow: start → llm → end. */
export function promptOnlyWorkflow(): WorkflowDefinition {
  return {
    version: 1,
    nodes: [
      { node_name: 'start', node_type: 'start', node_config: {} },
      { node_name: 'answer', node_type: 'llm', node_config: {} },
      { node_name: 'end', node_type: 'end', node_config: {} },
    ],
    edges: [
      { from_node: 'start', to_node: 'answer', edge_type: 'normal' },
      { from_node: 'answer', to_node: 'end', edge_type: 'normal' },
    ],
  }
}
