import type { WorkflowDefinition, WorkflowEdge } from '../../../shared/workflow/graph.ts'

const NAME = /^[a-zA-Z_][a-zA-Z0-9_-]{0,127}$/

/** Whether a text may name a step: what expressions can refer to. */
export function isStepName(text: string): boolean {
  return NAME.test(text)
}

/** A name that no step of the workflow has, made of `base`. */
export function freeName(definition: WorkflowDefinition, base: string): string {
  const taken = new Set(definition.nodes.map((node) => node.node_name))
  const stem =
    base
      .replace(/[^a-zA-Z0-9_-]+/g, '_')
      .replace(/^[^a-zA-Z]+/, '')
      .slice(0, 120) || 'step'
  for (let number = 1; ; number++) {
    const name = number === 1 ? stem : `${stem}_${number}`
    if (!taken.has(name)) return name
  }
}

/** Gives a step another name, and every edge and expression that mentions it. */
export function renameStep(definition: WorkflowDefinition, from: string, to: string): WorkflowDefinition {
  const other = (name: string) => (name === from ? to : name)
  return {
    ...definition,
    nodes: definition.nodes.map((node) => ({
      ...node,
      node_name: other(node.node_name),
      node_config: Object.fromEntries(
        Object.entries(node.node_config).map(([key, value]) => [key, renameIn(value, from, to)]),
      ),
    })),
    edges: definition.edges.map((edge) => renameInEdge(edge, from, to)),
  }
}

function renameInEdge(edge: WorkflowEdge, from: string, to: string): WorkflowEdge {
  const other = (name: string) => (name === from ? to : name)
  const renamed: WorkflowEdge = {
    ...edge,
    from_node: other(edge.from_node),
    to_node: edge.to_node && other(edge.to_node),
  }
  if (edge.condition_function) renamed.condition_function = renameInText(edge.condition_function, from, to)
  if (edge.condition_mapping) {
    renamed.condition_mapping = Object.fromEntries(
      Object.entries(edge.condition_mapping).map(([key, target]) => [key, other(target)]),
    )
  }
  return renamed
}

function renameIn(value: unknown, from: string, to: string): unknown {
  if (typeof value === 'string') return renameInText(value, from, to)
  if (Array.isArray(value)) return value.map((item) => renameIn(item, from, to))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renameIn(item, from, to)]))
}

/** References only (`nodes.name`, `nodes["name"]`); prose that happens to hold the word stays. */
function renameInText(text: string, from: string, to: string): string {
  const dotted = new RegExp(`(?<![\\w.-])nodes\\.${from}(?![\\w-])`, 'g')
  const quoted = new RegExp(`(?<![\\w.-])nodes\\[(["'])${from}\\1\\]`, 'g')
  return text.replace(dotted, `nodes.${to}`).replace(quoted, (_, quote: string) => `nodes[${quote}${to}${quote}]`)
}
