import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../../shared/workflow/graph.ts'
import { linksOf, type Slot } from '../links.ts'

/**
 * Puts a step right after another: it takes over everything that other step led to, branches included.
 * A step without a way on (`ends`) becomes one more way on instead.
 */
export function insertAfter(
  definition: WorkflowDefinition,
  after: string,
  node: WorkflowNode,
  ends = false,
): WorkflowDefinition {
  const edges = ends
    ? definition.edges
    : definition.edges.map((edge) => (edge.from_node === after ? { ...edge, from_node: node.node_name } : edge))
  return {
    ...definition,
    nodes: placeAfter(definition.nodes, after, node),
    edges: [...edges, plainEdge(after, node.node_name)],
  }
}

/** Puts a step on an arrow: at the head of a branch. */
export function insertAt(
  definition: WorkflowDefinition,
  slot: Slot,
  node: WorkflowNode,
  ends = false,
): WorkflowDefinition {
  const link = linksOf(definition).find((each) => each.edge === slot.edge && each.key === slot.key)
  const edge = definition.edges[slot.edge]
  if (!link || !edge) return definition
  // Cases that shared the target stay together on the new step.
  const edges = definition.edges.map((each, index) =>
    index === slot.edge ? retarget(each, (to) => (to === link.to ? node.node_name : to)) : each,
  )
  return {
    ...definition,
    nodes: placeAfter(definition.nodes, link.from, node),
    edges: ends ? edges : [...edges, plainEdge(node.node_name, link.to)],
  }
}

/** Adds a way that runs beside the others: from `from` over the new step to where the others meet, when they do. */
export function insertBeside(
  definition: WorkflowDefinition,
  from: string,
  node: WorkflowNode,
  meets: string | undefined,
): WorkflowDefinition {
  const edges = [...definition.edges, plainEdge(from, node.node_name)]
  if (meets !== undefined) edges.push(plainEdge(node.node_name, meets))
  return { ...definition, nodes: placeAfter(definition.nodes, from, node), edges }
}

export function plainEdge(from: string, to: string): WorkflowEdge {
  return { from_node: from, to_node: to, edge_type: 'normal' }
}

/** The edge with every target replaced by what `other` says; a target that becomes undefined is dropped. */
export function retarget(edge: WorkflowEdge, other: (to: string) => string | undefined): WorkflowEdge {
  const changed: WorkflowEdge = { ...edge, to_node: edge.to_node === null ? null : (other(edge.to_node) ?? null) }
  if (edge.condition_mapping) {
    changed.condition_mapping = Object.fromEntries(
      Object.entries(edge.condition_mapping).flatMap(([key, to]) => {
        const target = other(to)
        return target === undefined ? [] : [[key, target]]
      }),
    )
  }
  return changed
}

function placeAfter(nodes: WorkflowNode[], after: string, node: WorkflowNode): WorkflowNode[] {
  const index = nodes.findIndex((each) => each.node_name === after)
  return [...nodes.slice(0, index + 1), node, ...nodes.slice(index + 1)]
}
