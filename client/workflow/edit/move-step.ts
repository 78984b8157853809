import type { WorkflowDefinition } from '../../../shared/workflow/graph.ts'
import { findNode, linksFrom, linksTo } from '../links.ts'
import { plainEdge, retarget } from './insert-step.ts'

export type Direction = 'up' | 'down'

/** Whether a step can change places with its neighbour: both stand in one plain row. */
export function canMove(definition: WorkflowDefinition, name: string, direction: Direction): boolean {
  const pair = pairOf(definition, name, direction)
  return pair !== undefined
}

/** Changes places with the step before or after; the workflow as it is when that is not possible. */
export function moveStep(definition: WorkflowDefinition, name: string, direction: Direction): WorkflowDefinition {
  const pair = pairOf(definition, name, direction)
  if (!pair) return definition
  const { first, second } = pair
  const edges = definition.edges
    .filter((edge) => !(edge.from_node === first && edge.to_node === second))
    .map((edge) => {
      if (edge.from_node === second) return { ...edge, from_node: first }
      return retarget(edge, (to) => (to === first ? second : to))
    })
  const a = findNode(definition, first)
  const b = findNode(definition, second)
  const nodes = definition.nodes.map((node) => {
    if (node.node_name === first) return b ?? node
    return node.node_name === second ? (a ?? node) : node
  })
  return { ...definition, nodes, edges: [...edges, plainEdge(second, first)] }
}

function pairOf(
  definition: WorkflowDefinition,
  name: string,
  direction: Direction,
): { first: string; second: string } | undefined {
  const other = direction === 'up' ? linksTo(definition, name) : linksFrom(definition, name)
  const [link] = other
  if (!link || other.length !== 1) return undefined
  const { from: first, to: second } = link
  if (isFixed(definition, first) || isFixed(definition, second)) return undefined
  const out = linksFrom(definition, second)
  if (out.some((each) => each.key !== null) || out.length > 1 || out.some((each) => each.to === first)) return undefined
  return isPlainRow(definition, first, second) ? { first, second } : undefined
}

function isPlainRow(definition: WorkflowDefinition, first: string, second: string): boolean {
  const out = linksFrom(definition, first)
  return out.length === 1 && out[0]?.key === null && linksTo(definition, second).length === 1
}

function isFixed(definition: WorkflowDefinition, name: string): boolean {
  const type = findNode(definition, name)?.node_type
  return type === 'start' || type === 'end'
}
