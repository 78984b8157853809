import { Value } from 'typebox/value'
import { workflowDefinition, type WorkflowDefinition } from './graph.ts'
import { linksOf, reachableFrom, type Link } from './links.ts'
import { NODE_TYPES, isNodeTypeName } from './nodes/index.ts'
import { edgeIssues } from './validate-edges.ts'
import { referenceIssues } from './validate-references.ts'
import type { WorkflowIssue } from './workflow-issue.ts'

export { WORKFLOW_ISSUE_CODES, type WorkflowIssue, type WorkflowIssueCode } from './workflow-issue.ts'

/**
 * All that is wrong with a workflow; empty when it can run. The one validator of editor, mutators and server. Joins
 * and cycles are refused for now and named as such.
 */
export function validateWorkflow(definition: unknown): WorkflowIssue[] {
  if (!Value.Check(workflowDefinition, definition)) return malformed(definition)
  const links = linksOf(definition)
  return [
    ...nodeIssues(definition),
    ...edgeIssues(definition),
    ...shapeIssues(definition, links),
    ...referenceIssues(definition, links),
  ]
}

function malformed(definition: unknown): WorkflowIssue[] {
  const [first] = Value.Errors(workflowDefinition, definition)
  return [{ code: 'definition-malformed', params: { path: first?.instancePath ?? '', message: first?.message ?? '' } }]
}

function nodeIssues(definition: WorkflowDefinition): WorkflowIssue[] {
  const seen = new Set<string>()
  return definition.nodes.flatMap(({ node_name, node_type, node_config }): WorkflowIssue[] => {
    const issues: WorkflowIssue[] = seen.has(node_name) ? [{ code: 'node-name-duplicate', node_name, params: {} }] : []
    seen.add(node_name)
    if (!isNodeTypeName(node_type)) return [...issues, { code: 'node-type-unknown', node_name, params: { node_type } }]
    const type = NODE_TYPES[node_type]
    const config = { ...type.default_config, ...node_config }
    if (Value.Check(type.config_schema, config)) return issues
    const [first] = Value.Errors(type.config_schema, config)
    const params = { path: first?.instancePath ?? '', message: first?.message ?? '' }
    return [...issues, { code: 'node-config-invalid', node_name, params }]
  })
}

function shapeIssues(definition: WorkflowDefinition, links: readonly Link[]): WorkflowIssue[] {
  const starts = definition.nodes.filter((node) => node.node_type === 'start')
  const ends = definition.nodes.filter((node) => node.node_type === 'end')
  const issues: WorkflowIssue[] = [...portIssues(definition, links), ...joinIssues(links), ...cycleIssues(links)]
  const [start] = starts
  if (!start) issues.push({ code: 'start-missing', params: {} })
  for (const extra of starts.slice(1)) issues.push({ code: 'start-many', node_name: extra.node_name, params: {} })
  if (ends.length === 0) issues.push({ code: 'end-missing', params: {} })
  if (!start) return issues
  const reached = reachableFrom(start.node_name, links)
  for (const { node_name, node_type } of definition.nodes) {
    if (!reached.has(node_name) && node_type !== 'start')
      issues.push({ code: 'node-unreachable', node_name, params: {} })
  }
  if (ends.length > 0 && !ends.some((end) => reached.has(end.node_name)))
    issues.push({ code: 'end-unreachable', params: {} })
  return issues
}

function portIssues(definition: WorkflowDefinition, links: readonly Link[]): WorkflowIssue[] {
  return definition.nodes.flatMap(({ node_name, node_type }): WorkflowIssue[] => {
    if (!isNodeTypeName(node_type)) return []
    const { ports } = NODE_TYPES[node_type]
    const issues: WorkflowIssue[] = []
    if (ports.in === 0 && links.some((link) => link.to === node_name))
      issues.push({ code: 'node-no-way-in', node_name, params: {} })
    if (ports.out === 0 && links.some((link) => link.from === node_name))
      issues.push({ code: 'node-no-way-out', node_name, params: {} })
    return issues
  })
}

function joinIssues(links: readonly Link[]): WorkflowIssue[] {
  const counts = new Map<string, number>()
  for (const link of links) counts.set(link.to, (counts.get(link.to) ?? 0) + 1)
  return [...counts].flatMap(([node_name, count]): WorkflowIssue[] =>
    count > 1 ? [{ code: 'join-unsupported', node_name, params: { count } }] : [],
  )
}

function cycleIssues(links: readonly Link[]): WorkflowIssue[] {
  const names = new Set(links.map((link) => link.from))
  return [...names].flatMap((node_name): WorkflowIssue[] => {
    const back = links.some((link) => link.from === node_name && reachableFrom(link.to, links).has(node_name))
    return back ? [{ code: 'cycle-unsupported', node_name, params: {} }] : []
  })
}
