import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../../shared/workflow/graph.ts'

export const node = (
  node_name: string,
  node_type: string,
  node_config: Record<string, unknown> = {},
): WorkflowNode => ({ node_name, node_type, node_config })
export const edge = (from_node: string, to_node: string, more: Partial<WorkflowEdge> = {}): WorkflowEdge => ({
  from_node,
  to_node,
  edge_type: 'normal',
  ...more,
})
export const branch = (
  from_node: string,
  condition_mapping: Record<string, string>,
  condition_function?: string,
): WorkflowEdge => ({
  from_node,
  to_node: null,
  edge_type: 'conditional',
  condition_function,
  condition_mapping,
})

/** Nodes in a row. */
export function chain(...nodes: WorkflowNode[]): WorkflowDefinition {
  const edges = nodes.slice(1).map((each, index) => edge(nodes[index]?.node_name ?? '', each.node_name))
  return { version: 1, nodes, edges }
}
