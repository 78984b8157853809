import type { WorkflowDefinition, WorkflowEdge } from './graph.ts'

/** One way from node to node: a normal edge has one, a conditional edge one per distinct target of its mapping. */
export interface Link {
  from: string
  to: string
  edge_index: number
}

export function targetsOf(edge: WorkflowEdge): string[] {
  if (edge.edge_type === 'conditional') return [...new Set(Object.values(edge.condition_mapping ?? {}))]
  return edge.to_node === null ? [] : [edge.to_node]
}

export function linksOf(definition: WorkflowDefinition): Link[] {
  return definition.edges.flatMap((edge, edge_index) =>
    targetsOf(edge).map((to) => ({ from: edge.from_node, to, edge_index })),
  )
}

/** Names of all nodes that can be reached from `start`, itself included. */
export function reachableFrom(start: string, links: readonly Link[]): Set<string> {
  const reached = new Set([start])
  for (const name of reached) {
    for (const link of links) if (link.from === name) reached.add(link.to)
  }
  return reached
}
