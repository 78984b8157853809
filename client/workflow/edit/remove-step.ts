import type { WorkflowDefinition, WorkflowEdge } from '../../../shared/workflow/graph.ts'
import { DEFAULT_CASE, linksFrom } from '../links.ts'
import { plainEdge, retarget } from './insert-step.ts'
import { pruneLost } from './prune.ts'

/** Takes a step out; what led to it now leads to what came after it, by its default way when it had several. */
export function removeStep(definition: WorkflowDefinition, name: string): WorkflowDefinition {
  const out = linksFrom(definition, name).filter((link) => link.to !== name)
  const heir = (out.find((link) => link.key === DEFAULT_CASE) ?? out[0])?.to
  const edges: WorkflowEdge[] = []
  for (const edge of definition.edges) {
    if (edge.from_node === name) continue
    const changed = retarget(edge, (to) => (to === name ? heir : to))
    if (isEmpty(changed)) continue
    if (!edges.some((each) => isSamePlain(each, changed))) edges.push(changed)
    if (edge.to_node === name) addMissing(edges, edge.from_node, plainHeirs(out, heir))
  }
  return pruneLost(definition, {
    ...definition,
    nodes: definition.nodes.filter((node) => node.node_name !== name),
    edges,
  })
}

/** Parallel ways out of the removed step, beside the heir. */
function plainHeirs(out: { key: string | null; to: string }[], heir: string | undefined): string[] {
  return out.filter((link) => link.key === null && link.to !== heir).map((link) => link.to)
}

function addMissing(edges: WorkflowEdge[], from: string, targets: string[]): void {
  for (const to of targets) {
    const edge = plainEdge(from, to)
    if (!edges.some((each) => isSamePlain(each, edge))) edges.push(edge)
  }
}

function isEmpty(edge: WorkflowEdge): boolean {
  return edge.to_node === null && Object.keys(edge.condition_mapping ?? {}).length === 0
}

function isSamePlain(a: WorkflowEdge, b: WorkflowEdge): boolean {
  if (a.edge_type === 'conditional' || b.edge_type === 'conditional') return false
  return a.from_node === b.from_node && a.to_node === b.to_node
}
