import { compileCondition } from './condition.ts'
import type { WorkflowDefinition, WorkflowNode } from './graph.ts'
import type { Link } from './links.ts'
import { ancestorsOf } from './plan.ts'
import { parseTemplate } from './template.ts'
import type { WorkflowIssue } from './workflow-issue.ts'

/**
 * A node may read only nodes that come before it: they are settled when it starts, so no read races. Conditions of an
 * edge may read its source too.
 */
export function referenceIssues(definition: WorkflowDefinition, links: readonly Link[]): WorkflowIssue[] {
  const parents = new Map(links.map((link) => [link.to, link]))
  const names = new Set(definition.nodes.map((node) => node.node_name))
  const check = (
    reads: readonly string[],
    allowed: readonly string[],
    place: Partial<WorkflowIssue>,
  ): WorkflowIssue[] =>
    reads.flatMap((name): WorkflowIssue[] => {
      if (!names.has(name)) return [{ ...place, code: 'reference-unknown', params: { name } }]
      return allowed.includes(name) ? [] : [{ ...place, code: 'reference-not-before', params: { name } }]
    })
  const ofNodes = definition.nodes.flatMap((node) => {
    const { reads, issues } = readsOf(node)
    return [...issues, ...check(reads, ancestorsOf(node.node_name, parents), { node_name: node.node_name })]
  })
  const ofEdges = definition.edges.flatMap((edge, edge_index) => {
    if (edge.edge_type !== 'conditional' || !edge.condition_function) return []
    const compiled = compileCondition(edge.condition_function)
    if ('issue' in compiled) return []
    return check(compiled.condition.reads, [edge.from_node, ...ancestorsOf(edge.from_node, parents)], { edge_index })
  })
  return [...ofNodes, ...ofEdges]
}

function readsOf(node: WorkflowNode): { reads: string[]; issues: WorkflowIssue[] } {
  const reads: string[] = []
  const issues: WorkflowIssue[] = []
  for (const field of ['template', 'prompt', 'system_prompt']) {
    const source = node.node_config[field]
    if (typeof source !== 'string') continue
    for (const path of parseTemplate(source).paths)
      if (path[0] === 'nodes' && path[1] !== undefined) reads.push(path[1])
  }
  for (const [index, source] of casesOf(node).entries()) {
    const compiled = compileCondition(source)
    if ('condition' in compiled) reads.push(...compiled.condition.reads)
    else
      issues.push({
        code: compiled.issue.code,
        node_name: node.node_name,
        params: { case: index, message: compiled.issue.message },
      })
  }
  return { reads, issues }
}

function casesOf(node: WorkflowNode): string[] {
  const cases = node.node_type === 'condition' ? node.node_config['cases'] : undefined
  if (!Array.isArray(cases)) return []
  return cases.flatMap((each: unknown) =>
    typeof each === 'object' && each !== null && 'when' in each && typeof each.when === 'string' ? [each.when] : [],
  )
}
