import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../shared/workflow/graph.ts'

/** A place on an edge row: the row itself, or one case of its mapping. New steps are put in there. */
export interface Slot {
  /** Index in `definition.edges`. */
  edge: number
  /** Case of a conditional edge; null on other edges. */
  key: string | null
}

/** One arrow of the graph: an edge row has one per target. */
export interface Link extends Slot {
  from: string
  to: string
  kind: WorkflowEdge['edge_type']
}

/** Case that is taken when no other one matches; every mapping must have it. */
export const DEFAULT_CASE = 'default'
/** Case that is taken when the step fails. */
export const ERROR_CASE = '$error'

/** Every arrow, in the order of the edges; arrows to steps that do not exist are left out. */
export function linksOf(definition: WorkflowDefinition): Link[] {
  const names = new Set(definition.nodes.map((node) => node.node_name))
  return definition.edges
    .flatMap((edge, index) => linksOfEdge(edge, index))
    .filter((link) => names.has(link.from) && names.has(link.to))
}

function linksOfEdge(edge: WorkflowEdge, index: number): Link[] {
  const cases = Object.entries(edge.condition_mapping ?? {})
  if (edge.edge_type === 'conditional' && cases.length > 0) {
    return cases.map(([key, to]) => ({ edge: index, key, from: edge.from_node, to, kind: edge.edge_type }))
  }
  if (edge.to_node === null) return []
  return [{ edge: index, key: null, from: edge.from_node, to: edge.to_node, kind: edge.edge_type }]
}

export function linksFrom(definition: WorkflowDefinition, name: string): Link[] {
  return linksOf(definition).filter((link) => link.from === name)
}

export function linksTo(definition: WorkflowDefinition, name: string): Link[] {
  return linksOf(definition).filter((link) => link.to === name)
}

export function findNode(definition: WorkflowDefinition, name: string): WorkflowNode | undefined {
  return definition.nodes.find((node) => node.node_name === name)
}
