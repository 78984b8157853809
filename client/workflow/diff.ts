import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../shared/workflow/graph.ts'

export type Change = 'added' | 'removed' | 'changed'

export interface FieldChange {
  /** Dotted path, e.g. `prompt` or `headers.accept`. */
  path: string
  before: string | undefined
  after: string | undefined
}

export interface NodeChange {
  name: string
  node_type: string
  label: string | undefined
  change: Change
  fields: FieldChange[]
}

export interface EdgeChange {
  from: string
  to: string
  /** Case, expression, timeout or retries, when there are any. */
  detail: string
  change: Exclude<Change, 'changed'>
}

export interface WorkflowDiff {
  nodes: NodeChange[]
  edges: EdgeChange[]
}

/** What differs in how two workflows run; places on the canvas do not count. */
export function workflowDiff(before: WorkflowDefinition, after: WorkflowDefinition): WorkflowDiff {
  return { nodes: nodeChanges(before.nodes, after.nodes), edges: edgeChanges(before.edges, after.edges) }
}

/** Flat list of what differs between two JSON values. */
export function valueChanges(before: unknown, after: unknown): FieldChange[] {
  const [was, is] = [flatten(before), flatten(after)]
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort()
  return paths
    .filter((path) => was.get(path) !== is.get(path))
    .map((path) => ({ path, before: was.get(path), after: is.get(path) }))
}

function nodeChanges(before: WorkflowNode[], after: WorkflowNode[]): NodeChange[] {
  const was = new Map(before.map((node) => [node.node_name, node]))
  const is = new Map(after.map((node) => [node.node_name, node]))
  const removed = before
    .filter((node) => !is.has(node.node_name))
    .map((node) => nodeChange(node, 'removed', node, undefined))
  const others = after.flatMap((node) => {
    const old = was.get(node.node_name)
    if (!old) return [nodeChange(node, 'added', undefined, node)]
    const change = nodeChange(node, 'changed', old, node)
    return change.fields.length > 0 ? [change] : []
  })
  return [...others, ...removed]
}

function nodeChange(node: WorkflowNode, change: Change, before?: WorkflowNode, after?: WorkflowNode): NodeChange {
  // The kind of a whole new or lost step stands in its heading.
  const fields = valueChanges(visible(before), visible(after)).filter(
    ({ path }) => change === 'changed' || path !== 'node_type',
  )
  return { name: node.node_name, node_type: node.node_type, label: node.label, change, fields }
}

function visible(node: WorkflowNode | undefined): unknown {
  return node && { node_type: node.node_type, label: node.label, ...node.node_config }
}

function edgeChanges(before: WorkflowEdge[], after: WorkflowEdge[]): EdgeChange[] {
  const [was, is] = [arrows(before), arrows(after)]
  const added = [...is].flatMap(([key, arrow]) => (was.has(key) ? [] : [{ ...arrow, change: 'added' as const }]))
  const removed = [...was].flatMap(([key, arrow]) => (is.has(key) ? [] : [{ ...arrow, change: 'removed' as const }]))
  return [...added, ...removed]
}

function arrows(edges: WorkflowEdge[]): Map<string, Omit<EdgeChange, 'change'>> {
  const all = edges.flatMap((edge) => {
    const cases = Object.entries(edge.condition_mapping ?? {})
    if (edge.edge_type !== 'conditional' || cases.length === 0) {
      return [{ from: edge.from_node, to: edge.to_node ?? '?', detail: rules(edge) }]
    }
    return cases.map(([key, to]) => ({
      from: edge.from_node,
      to,
      detail: `${edge.condition_function ?? ''} = ${key}${rules(edge)}`,
    }))
  })
  return new Map(all.map((arrow) => [JSON.stringify(arrow), arrow]))
}

function rules(edge: WorkflowEdge): string {
  const parts = [
    edge.edge_type === 'fanout' ? 'fanout' : '',
    edge.timeout_seconds ? `≤ ${edge.timeout_seconds} s` : '',
    edge.retry_policy?.max_retries ? `↻ ${edge.retry_policy.max_retries}` : '',
  ]
  return parts
    .filter(Boolean)
    .map((part) => ` · ${part}`)
    .join('')
}

function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value === undefined || value === null) return into
  if (typeof value !== 'object') into.set(path, String(value))
  else if (Array.isArray(value)) value.forEach((item, index) => flatten(item, `${path}[${index}]`, into))
  else for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}.${key}` : key, into)
  return into
}
