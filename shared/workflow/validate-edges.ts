import { compileCondition } from './condition.ts'
import type { WorkflowDefinition, WorkflowEdge } from './graph.ts'
import { targetsOf } from './links.ts'
import type { WorkflowIssue } from './workflow-issue.ts'

/** Dangling ends, mappings without a default, conditions that are no CEL. */
export function edgeIssues(definition: WorkflowDefinition): WorkflowIssue[] {
  const types = new Map(definition.nodes.map((node) => [node.node_name, node.node_type]))
  return definition.edges.flatMap((edge, edge_index): WorkflowIssue[] => {
    const issues: WorkflowIssue[] = []
    if (!types.has(edge.from_node))
      issues.push({ code: 'edge-from-missing', edge_index, params: { name: edge.from_node } })
    for (const name of targetsOf(edge)) {
      if (!types.has(name)) issues.push({ code: 'edge-to-missing', edge_index, params: { name } })
    }
    if (edge.edge_type === 'conditional')
      return [...issues, ...conditionalIssues(edge, edge_index, types.get(edge.from_node))]
    if (edge.to_node === null) issues.push({ code: 'edge-to-missing', edge_index, params: { name: '' } })
    return issues
  })
}

function conditionalIssues(edge: WorkflowEdge, edge_index: number, from_type: string | undefined): WorkflowIssue[] {
  const issues: WorkflowIssue[] = []
  const mapping = edge.condition_mapping ?? {}
  if (Object.keys(mapping).length === 0) issues.push({ code: 'mapping-missing', edge_index, params: {} })
  else if (!Object.hasOwn(mapping, 'default')) issues.push({ code: 'mapping-default-missing', edge_index, params: {} })
  const source = edge.condition_function?.trim()
  if (!source) {
    if (from_type !== 'condition') issues.push({ code: 'condition-missing', edge_index, params: {} })
    return issues
  }
  const compiled = compileCondition(source)
  if ('issue' in compiled)
    issues.push({ code: compiled.issue.code, edge_index, params: { message: compiled.issue.message } })
  return issues
}
