import type { WorkflowDefinition } from '../../../shared/workflow/graph.ts'
import { linksOf } from '../links.ts'

/** Drops the steps that `before` could reach and `after` no longer can: the branch of a case that was taken away. */
export function pruneLost(before: WorkflowDefinition, after: WorkflowDefinition): WorkflowDefinition {
  const [was, is] = [reached(before), reached(after)]
  const lost = new Set([...was].filter((name) => !is.has(name)))
  if (lost.size === 0) return after
  return {
    ...after,
    nodes: after.nodes.filter((node) => !lost.has(node.node_name)),
    edges: after.edges.filter((edge) => !lost.has(edge.from_node)),
  }
}

function reached(definition: WorkflowDefinition): Set<string> {
  const links = linksOf(definition)
  const found = new Set(definition.nodes.filter((node) => node.node_type === 'start').map((node) => node.node_name))
  for (const name of found) for (const link of links) if (link.from === name) found.add(link.to)
  return found
}
