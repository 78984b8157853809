import type { Static } from 'typebox'
import type { retryPolicy, WorkflowDefinition, WorkflowNode } from './graph.ts'
import { linksOf, type Link } from './links.ts'
import { isNodeTypeName, type NodeTypeName } from './nodes/index.ts'

/** A choice between targets: the value of `condition` (of the condition node itself when null) through `mapping`. */
export interface PlannedChoice {
  condition: string | null
  mapping: Readonly<Record<string, string>>
}

export interface PlannedNode {
  name: string
  type: NodeTypeName
  label: string | undefined
  node: WorkflowNode
  /** The one node before it; undefined for the start. */
  parent: string | undefined
  /** Targets that always come next. */
  next: readonly string[]
  choices: readonly PlannedChoice[]
  /** Of the edge that fires the node. */
  timeout_seconds: number | undefined
  retry: Static<typeof retryPolicy> | undefined
  /** No other language model node comes before it. */
  first_model: boolean
  /** Its text is the answer as it grows: an `end` without a template follows it directly. */
  speaks: boolean
}

export interface WorkflowPlan {
  start: string
  /** In the order of the definition. */
  nodes: ReadonlyMap<string, PlannedNode>
}

/** Works out how a valid definition runs. Throws for what `validateWorkflow` refuses. */
export function planWorkflow(definition: WorkflowDefinition): WorkflowPlan {
  const parents = new Map<string, Link>(linksOf(definition).map((link) => [link.to, link]))
  const byName = new Map(definition.nodes.map((node) => [node.node_name, node]))
  const nodes = new Map(definition.nodes.map((node) => [node.node_name, planNode(definition, node, parents, byName)]))
  const start = definition.nodes.find((node) => node.node_type === 'start')
  if (!start) throw new Error('a workflow without a start')
  return { start: start.node_name, nodes }
}

/** The nodes before `name`, nearest first. Ends in a cycle too. */
export function ancestorsOf(name: string, parents: ReadonlyMap<string, Link>): string[] {
  const found = new Set<string>()
  for (let at = parents.get(name)?.from; at !== undefined && !found.has(at); at = parents.get(at)?.from) found.add(at)
  return [...found]
}

function planNode(
  definition: WorkflowDefinition,
  node: WorkflowNode,
  parents: ReadonlyMap<string, Link>,
  byName: ReadonlyMap<string, WorkflowNode>,
): PlannedNode {
  const name = node.node_name
  if (!isNodeTypeName(node.node_type)) throw new Error(`unknown node type ${node.node_type}`)
  const incoming = parents.get(name)
  const edge = incoming && definition.edges[incoming.edge_index]
  const outgoing = definition.edges
    .filter((each) => each.from_node === name)
    .sort((a, b) => (a.execution_order ?? 0) - (b.execution_order ?? 0))
  const next = outgoing.flatMap((each) =>
    each.edge_type !== 'conditional' && each.to_node !== null ? [each.to_node] : [],
  )
  return {
    name,
    type: node.node_type,
    label: node.label,
    node,
    parent: incoming?.from,
    next,
    choices: outgoing
      .filter((each) => each.edge_type === 'conditional')
      .map((each) => ({ condition: each.condition_function?.trim() || null, mapping: each.condition_mapping ?? {} })),
    timeout_seconds: edge?.timeout_seconds ?? undefined,
    retry: edge?.retry_policy ?? undefined,
    first_model: !ancestorsOf(name, parents).some((each) => byName.get(each)?.node_type === 'llm'),
    speaks:
      node.node_type === 'llm' &&
      linksOf(definition).some((link) => link.from === name && isPlainEnd(byName.get(link.to))),
  }
}

function isPlainEnd(node: WorkflowNode | undefined): boolean {
  return node?.node_type === 'end' && typeof node.node_config['template'] !== 'string'
}
