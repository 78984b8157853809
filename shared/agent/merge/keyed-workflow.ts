import { isTree, type Tree } from './tree.ts'

/**
 * A workflow by names instead of places in lists, so that versions of it can be compared. Edges have no name of their
 * own: they belong to the node that they leave.
 */
export interface KeyedWorkflow {
  /** All but nodes and edges. */
  meta: Tree
  /** By name, without position. */
  nodes: Tree
  /** The ways out of each node: node name → (way → edge). */
  edges: Record<string, Tree>
  positions: Tree
}

/** Undefined for what is no graph with named nodes. */
export function keyWorkflow(definition: unknown): KeyedWorkflow | undefined {
  if (!isTree(definition)) return undefined
  const { nodes, edges, ...meta } = definition
  if (!Array.isArray(nodes) || !Array.isArray(edges)) return undefined
  const named = new Map<string, Tree>()
  const positions = new Map<string, unknown>()
  for (const node of nodes as readonly unknown[]) {
    if (!isTree(node) || typeof node['node_name'] !== 'string' || named.has(node['node_name'])) return undefined
    const { position_config, ...rest } = node
    named.set(node['node_name'], rest)
    if (position_config !== undefined) positions.set(node['node_name'], position_config)
  }
  const ways = waysOf(edges)
  if (!ways) return undefined
  return { meta, nodes: Object.fromEntries(named), edges: ways, positions: Object.fromEntries(positions) }
}

function waysOf(edges: readonly unknown[]): Record<string, Tree> | undefined {
  const ways = new Map<string, Map<string, unknown>>()
  for (const edge of edges) {
    if (!isTree(edge) || typeof edge['from_node'] !== 'string') return undefined
    const group = ways.get(edge['from_node']) ?? new Map<string, unknown>()
    ways.set(edge['from_node'], group)
    const target = edge['edge_type'] === 'conditional' ? 'if' : `to ${String(edge['to_node'])}`
    let name = target
    for (let number = 2; group.has(name); number++) name = `${target} #${number}`
    group.set(name, edge)
  }
  return Object.fromEntries([...ways].map(([from, group]) => [from, Object.fromEntries(group)]))
}

/** The workflow with its lists again; nodes and edges in the order of the object's keys. */
export function unkeyWorkflow({ meta, nodes, edges, positions }: KeyedWorkflow): Tree {
  return {
    ...meta,
    nodes: Object.entries(nodes).map(([name, node]) =>
      isTree(node) && Object.hasOwn(positions, name) ? { ...node, position_config: positions[name] } : node,
    ),
    edges: Object.values(edges).flatMap((group) => Object.values(group)),
  }
}

/** Names of the nodes that a group of edges leads to. */
export function targetsOf(group: unknown): string[] {
  if (!isTree(group)) return []
  return Object.values(group).flatMap((edge) => {
    if (!isTree(edge)) return []
    const cases = isTree(edge['condition_mapping']) ? Object.values(edge['condition_mapping']) : []
    return [edge['to_node'], ...cases].filter((name) => typeof name === 'string')
  })
}
